/** What needs a file system: keys and stores in files that only their owner can read. Node alone. */

import { constants } from "node:fs";
import { mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { randomId } from "./base64.js";
import { KeyFileError } from "./errors.js";
import { AgentKey } from "./keys.js";
import type { Store } from "./passport-store.js";

const OWNER_ONLY = 0o600;
const OTHERS = 0o077;
const KEY_FILE_BYTES = 4096;

/** Read a key file. Throws KeyFileError, also when others could read it too. */
export async function loadKey(path: string): Promise<AgentKey> {
  let text: string;
  try {
    text = await readPrivate(path);
  } catch (error) {
    if (error instanceof KeyFileError) throw error;
    const isAbsent = (error as NodeJS.ErrnoException).code === "ENOENT";
    throw new KeyFileError(`${path} ${isAbsent ? "is not there" : "cannot be read"}`, {
      cure: isAbsent ? "Make it: saveKey(await AgentKey.generate(…), path)" : "Check its owner and mode",
      cause: error,
    });
  }
  return AgentKey.fromJwk(text);
}

/** Write a new file of mode 0600 for a key made with `extractable`. Throws KeyFileError when something is there. */
export async function saveKey(key: AgentKey, path: string): Promise<void> {
  const text = `${JSON.stringify(await key.privateJwk())}\n`;
  try {
    await writeNew(path, text);
  } catch (error) {
    const exists = (error as NodeJS.ErrnoException).code === "EEXIST";
    throw new KeyFileError(exists ? `${path} exists` : `${path} cannot be written`, {
      cure: exists ? "Choose another name: a key is never overwritten" : "Choose a folder you may write",
      cause: error,
    });
  }
}

async function readPrivate(path: string): Promise<string> {
  const file = await open(path, "r");
  try {
    // Asked of the open file: between a look at the path and its opening it could be exchanged.
    const found = await file.stat();
    if (!found.isFile()) throw new KeyFileError(`${path} is no regular file`, { cure: "Name the file with the key" });
    if (process.platform !== "win32" && found.mode & OTHERS) {
      throw new KeyFileError(`${path} can be read by others`, { cure: `chmod 600 ${path}` });
    }
    const { buffer, bytesRead } = await file.read(Buffer.alloc(KEY_FILE_BYTES), 0, KEY_FILE_BYTES, 0);
    return buffer.toString("utf8", 0, bytesRead);
  } finally {
    await file.close();
  }
}

/** One file for each name, mode 0600, whole or not there at all. For `Agent` and for `Verifier`. */
export class FileStore implements Store {
  constructor(readonly folder: string) {}

  async load(name: string): Promise<string | undefined> {
    try {
      return await readFile(join(this.folder, name), "utf8");
    } catch {
      return undefined;
    }
  }

  /** A reader, or a crash, meets the old or the new, never half. */
  async save(name: string, text: string): Promise<void> {
    const path = join(this.folder, name);
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const beside = join(this.folder, `.${name}.${process.pid}.${randomId()}`);
    try {
      await writeNew(beside, text);
      await rename(beside, path);
    } finally {
      await rm(beside, { force: true });
    }
  }
}

/** Follows no link, and overwrites nothing. */
async function writeNew(path: string, text: string): Promise<void> {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0);
  const file = await open(path, flags, OWNER_ONLY);
  try {
    await file.writeFile(text, "utf8");
    await file.sync();
  } finally {
    await file.close();
  }
}
