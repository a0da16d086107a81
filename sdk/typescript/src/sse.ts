/** Server-sent events from bytes as they arrive (WHATWG HTML section 9.2.6). No connection here. */

/** Frames have under a kilobyte; only those of a large batch have more. */
const EVENT_CHARACTERS = 8 * 1024 * 1024;

export interface ServerEvent {
  readonly name: string;
  readonly data: string;
  /** Empty when this event brought none: then the reader is not yet past its position. */
  readonly id: string;
}

/** An event outgrew its bound: the stream cannot be believed any further. */
export class TooLong extends Error {}

export class EventParser {
  /** The last `retry:` of the server. */
  retryMs: number | undefined;
  readonly #decoder = new TextDecoder();
  #pending = "";
  #name = "";
  #id = "";
  #data: string[] = [];
  #size = 0;

  /** The events that this chunk completed. Throws TooLong. */
  feed(chunk: Uint8Array): ServerEvent[] {
    const lines = this.#lines(this.#pending + this.#decoder.decode(chunk, { stream: true }));
    const events = lines.flatMap((line) => this.#line(line) ?? []);
    if (this.#size + this.#pending.length > EVENT_CHARACTERS) throw new TooLong("an event is too long");
    return events;
  }

  #lines(text: string): string[] {
    // A carriage return at the very end may be half of a pair: it waits for the next chunk.
    const tail = text.endsWith("\r") ? "\r" : "";
    const lines = text.slice(0, text.length - tail.length).split(/\r\n|\n|\r/);
    this.#pending = (lines.pop() ?? "") + tail;
    return lines;
  }

  #line(line: string): ServerEvent | undefined {
    this.#size += line.length;
    if (line === "") return this.#dispatch();
    const colon = line.indexOf(":");
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "data") this.#data.push(value);
    else if (name === "event") this.#name = value;
    else if (name === "id" && !value.includes("\0")) this.#id = value;
    else if (name === "retry" && /^[0-9]+$/.test(value)) this.retryMs = Number(value.slice(0, 9));
    return undefined;
  }

  #dispatch(): ServerEvent | undefined {
    const [data, name, id] = [this.#data, this.#name, this.#id];
    [this.#data, this.#name, this.#id, this.#size] = [[], "", "", 0];
    return data.length ? { name: name || "message", data: data.join("\n"), id } : undefined;
  }
}
