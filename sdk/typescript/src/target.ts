/** Two spellings of one URL, compared as RFC 9449 section 4.3 asks: after RFC 3986 section 6.2.2-3. */

const URL_CHARACTERS = 4096;
const STRAY = /%(?![0-9A-Fa-f]{2})|[^\x21-\x7e]|[\\"<>^`{|}]/;
const PARTS = /^([A-Za-z][A-Za-z0-9+.-]*):\/\/([^/?#]*)([^?#]*)/;
const AUTHORITY = /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~%!$&'()*+,;=-]+)(?::([0-9]*))?$/;
const UNRESERVED = /[A-Za-z0-9._~-]/;
const DEFAULT_PORTS: Readonly<Record<string, string>> = { http: "80", https: "443" };

/**
 * Scheme, host, port and path in their one form; query and fragment dropped. Throws when it is no
 * absolute http URL, or names a user. The URL parser of the platform is no help: it mends what
 * is wrong, as backslashes, where we must refuse.
 */
export function normalise(url: string): string {
  const parts = url.length <= URL_CHARACTERS && !STRAY.test(url) ? PARTS.exec(url) : null;
  const [scheme, authority, path] = [parts?.[1]?.toLowerCase() ?? "", parts?.[2] ?? "", parts?.[3] ?? ""];
  const found = AUTHORITY.exec(authority);
  const host = found?.[1]?.toLowerCase().replace(/\.+$/, "");
  if (!(scheme in DEFAULT_PORTS) || !host) throw new Error("not an absolute http URL");
  const port = found?.[2] ? String(Number(found[2])) : DEFAULT_PORTS[scheme];
  if (Number(port) > 65535) throw new Error("not an absolute http URL");
  return `${scheme}://${host}${port === DEFAULT_PORTS[scheme] ? "" : `:${port}`}${normalPath(path)}`;
}

function normalPath(path: string): string {
  const plain = path.replace(/%([0-9A-Fa-f]{2})/g, (escape, pair: string) => {
    const character = String.fromCharCode(Number.parseInt(pair, 16));
    return UNRESERVED.test(character) ? character : escape.toUpperCase();
  });
  const segments = plain.split("/").slice(1);
  const kept: string[] = [];
  for (const segment of segments) {
    if (segment === "..") kept.pop();
    else if (segment !== ".") kept.push(segment);
  }
  const last = segments.at(-1);
  if (last === "." || last === "..") kept.push("");
  return `/${kept.join("/")}`;
}

/** `https://host:port` in its one form. Throws. */
export function originOf(url: string): string {
  const [scheme, rest] = normalise(url).split("://") as [string, string];
  return `${scheme}://${rest.split("/")[0]}`;
}
