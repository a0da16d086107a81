/** Reading the event feed: stays connected, resumes where it stopped, and tells Standing. */

import { chunksOf } from "./body.js";
import { IssuerAway, type IssuerClient } from "./issuer-client.js";
import { isObject, type Json, type JsonObject, parseJson, timeOf } from "./json.js";
import { type Jws, LIST_BYTES, parse } from "./jws.js";
import { unref } from "./keeper.js";
import { DENIED_LIST_TYP } from "./protocol.js";
import { EventParser, type ServerEvent } from "./sse.js";
import { packed, SILENCE_SECONDS, type Standing } from "./standing.js";
import { readGaps, REVOKED, SUSPENDED } from "./status-list.js";

const FIRST_PAUSE_SECONDS = 0.2;
const LONGEST_PAUSE_SECONDS = 5;
const SHORTEST_PAUSE_SECONDS = 0.02;

/** A frame that is not what the protocol says; what it meant is unknown. */
export class Unreadable extends Error {}

export interface ReaderParts {
  readonly issuer: string;
  readonly standing: Standing;
  readonly isOurs: (uri: string) => boolean;
  readonly verify: (jws: Jws) => Promise<void>;
  readonly onKeys: () => void;
  readonly onLists: () => void;
}

type Take = (data: JsonObject, ledger: number) => void | Promise<void>;

/** Turns frames into what they mean for Standing. No connection here. */
export class EventReader {
  resumedFrom: number | undefined;
  readonly #parts: ReaderParts;
  readonly #kinds: ReadonlyMap<string, Take>;

  constructor(parts: ReaderParts) {
    const { standing, onKeys, onLists } = parts;
    this.#parts = parts;
    this.#kinds = new Map<string, Take>([
      ["hello", (data, ledger) => this.#hello(data, ledger)],
      ["status", (data, ledger) => this.#status(data, ledger)],
      ["list", (data, ledger) => {
        standing.tracked(this.#uri(data))?.want(ledger);
        onLists();
      }],
      ["denied", (data, ledger) => standing.deny(ledger, texts(data["subs"]))],
      ["denied-list", (data) => this.#deniedList(data)],
      ["token", (data) => standing.revokeToken(text(data, "jti"), integer(data, "exp"))],
      ["keys", () => onKeys()],
      ["reload", (_, ledger) => {
        standing.reload(ledger);
        onLists();
      }],
      // Nothing happened, and that is news.
      ["tick", () => undefined],
    ]);
  }

  /** Throws Unreadable. An event of a kind that we do not know is passed over. */
  async take(event: ServerEvent): Promise<void> {
    const read = this.#kinds.get(event.name);
    if (!read) return;
    try {
      const data = parseJson(event.data);
      if (!isObject(data)) throw new Unreadable("not an object");
      await read(data, integer(data, "ledger"));
      // The id stands on the last frame of a position: cut off before it, we ask for the whole again.
      // Hello names the head before it tells what we missed: it moves nothing.
      const told = /^[0-9]{1,15}$/.test(event.id) && event.name !== "hello" ? Number(event.id) : undefined;
      this.#parts.standing.heard(told, event.name === "tick" ? timeOf(data, "time") : undefined);
    } catch (error) {
      throw new Unreadable(`${event.name}: ${(error as Error).message}`);
    }
  }

  #hello(data: JsonObject, ledger: number): void {
    const uris = texts(data["lists"]).filter((uri) => this.#parts.isOurs(uri));
    this.#parts.standing.hello(ledger, uris, this.resumedFrom);
    this.#parts.onLists();
  }

  #status(data: JsonObject, ledger: number): void {
    const tightened = [REVOKED, SUSPENDED].filter((value) => String(value) in data);
    const values = packed(tightened.map((value) => [value, readGaps(data[String(value)])]));
    this.#parts.standing.tracked(this.#uri(data))?.follow({ ledger, values });
  }

  async #deniedList(data: JsonObject): Promise<void> {
    const jws = parse(text(data, "token"), LIST_BYTES);
    await this.#parts.verify(jws);
    if (jws.typ !== DENIED_LIST_TYP || jws.claims["iss"] !== this.#parts.issuer) {
      throw new Unreadable("of another kind or issuer");
    }
    this.#parts.standing.denyExactly(integer(jws.claims, "ledger"), texts(jws.claims["subs"]));
  }

  #uri(data: JsonObject): string {
    const uri = text(data, "uri");
    if (!this.#parts.isOurs(uri)) throw new Unreadable("a list outside the issuer's origin");
    return uri;
  }
}

export interface FeedParts {
  readonly client: IssuerClient;
  readonly standing: Standing;
  readonly reader: EventReader;
  /** Fetches all lists: from the oldest of them the feed can be resumed without a gap. */
  readonly prime: () => Promise<void>;
}

/** The connection, and the next one after it. */
export class Feed {
  readonly #parts: FeedParts;
  readonly #closed = new AbortController();
  #retrySeconds = FIRST_PAUSE_SECONDS;

  constructor(parts: FeedParts) {
    this.#parts = parts;
  }

  start(): void {
    void this.#run();
  }

  close(): void {
    this.#closed.abort();
  }

  async #run(): Promise<void> {
    let pause = FIRST_PAUSE_SECONDS;
    while (!this.#closed.signal.aborted) {
      try {
        await this.#listen();
        pause = this.#retrySeconds;
      } catch (error) {
        // What was said there is missing, or the fault is ours: without it nothing would be refused in time.
        if (!(error instanceof IssuerAway)) this.#parts.standing.lose();
      }
      if (this.#parts.standing.isLive) pause = this.#retrySeconds;
      await this.#rest(pause * (0.5 + Math.random() / 2));
      pause = Math.min(2 * pause, LONGEST_PAUSE_SECONDS);
    }
  }

  /** Until the connection ends, or is silent. Throws IssuerAway, Unreadable, TooLong. */
  async #listen(): Promise<void> {
    const { client, standing, reader, prime } = this.#parts;
    if (standing.position === undefined) await prime();
    const position = standing.resumePoint();
    const silence = new Silence(this.#closed.signal);
    try {
      const stream = await client.feed(position, silence.signal);
      reader.resumedFrom = position;
      const parser = new EventParser();
      for await (const chunk of heard(stream)) {
        silence.broken();
        for (const event of parser.feed(chunk)) await reader.take(event);
        if (parser.retryMs !== undefined) {
          this.#retrySeconds = Math.max(SHORTEST_PAUSE_SECONDS, parser.retryMs / 1000);
        }
      }
    } finally {
      silence.over();
    }
  }

  #rest(seconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, seconds * 1000);
      unref(timer);
      this.#closed.signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
    });
  }
}

/** Aborts when nothing was heard for as long as a feed may be silent. */
class Silence {
  readonly #abort = new AbortController();
  readonly #onClose = (): void => this.#abort.abort();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(readonly closed: AbortSignal) {
    closed.addEventListener("abort", this.#onClose, { once: true });
    this.broken();
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  broken(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#abort.abort(), SILENCE_SECONDS * 1000);
    unref(this.#timer);
  }

  over(): void {
    clearTimeout(this.#timer);
    this.closed.removeEventListener("abort", this.#onClose);
    this.#abort.abort();
  }
}

async function* heard(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* chunksOf(stream);
  } catch (error) {
    throw new IssuerAway(`feed: ${(error as Error).name}`);
  }
}

function integer(data: JsonObject, name: string): number {
  const value = timeOf(data, name);
  if (value === undefined) throw new Unreadable(`${name} is no integer`);
  return value;
}

function text(data: JsonObject, name: string): string {
  const value = data[name];
  if (typeof value !== "string") throw new Unreadable(`${name} is no text`);
  return value;
}

function texts(value: Json | undefined): string[] {
  if (!Array.isArray(value) || !value.every((each) => typeof each === "string")) throw new Unreadable("not texts");
  return value;
}
