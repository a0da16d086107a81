/** Which proofs were seen: in this process, or in a Redis that all processes of a service share. */

/** About 60 MB for each of two generations: at the bound the service refuses, it does not forget. */
const GENERATION_ENTRIES = 500_000;

/** `spend` is one atomic step: between a look and a note stands the attacker. */
export interface ReplayStore {
  /**
   * Proofs made before this moment (seconds since 1970) may have been spent without this store
   * knowing; they need a nonce. Undefined: it remembers longer than any process lives.
   */
  readonly completeSince?: number | undefined;
  /** True the first time. Remembers for `seconds`. Throws ReplayUnavailable when it cannot be said. */
  spend(key: string, seconds: number): boolean | Promise<boolean>;
}

/** It cannot be said whether the proof is new: it counts as not new. */
export class ReplayUnavailable extends Error {}

/** Two generations of keys; the older is dropped whole when both are past their time. */
export class MemoryReplay implements ReplayStore {
  readonly completeSince: number | undefined;
  #current = new Set<string>();
  #previous = new Set<string>();
  #turnedAt = performance.now();

  /** `completeSince`: the start of this process, unless a test says otherwise. */
  constructor(options: { completeSince?: number | undefined } = { completeSince: Date.now() / 1000 }) {
    this.completeSince = options.completeSince;
  }

  spend(key: string, seconds: number): boolean {
    this.#turn(seconds);
    if (this.#current.has(key) || this.#previous.has(key)) return false;
    if (this.#current.size >= GENERATION_ENTRIES) throw new ReplayUnavailable("the replay store is full");
    this.#current.add(key);
    return true;
  }

  #turn(seconds: number): void {
    const passed = (performance.now() - this.#turnedAt) / 1000;
    if (passed < seconds) return;
    // After twice the time nothing of the current generation can matter either.
    this.#previous = passed < 2 * seconds ? this.#current : new Set();
    this.#current = new Set();
    this.#turnedAt = performance.now();
  }
}

/** The `set` of node-redis. */
export interface RedisClient {
  set(key: string, value: string, options: { NX: true; EX: number }): Promise<unknown>;
}

/** Shared by all processes of a service. Redis must not evict: `noeviction`. */
export class RedisReplay implements ReplayStore {
  readonly completeSince = undefined;

  constructor(
    readonly client: RedisClient,
    readonly prefix = "agent-passport:proof:",
  ) {}

  async spend(key: string, seconds: number): Promise<boolean> {
    try {
      return (await this.client.set(this.prefix + key, "", { NX: true, EX: seconds })) === "OK";
    } catch (error) {
      // Whatever went wrong, the proof is not known to be new.
      throw new ReplayUnavailable((error as Error).name);
    }
  }
}
