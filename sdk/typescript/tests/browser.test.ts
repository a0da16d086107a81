/** The vectors once more with nothing that only Node has, so that what browsers run is WebCrypto's and jose's. */

import { Buffer } from "node:buffer";

// What the SDK finds at its start it keeps; Node's own `fetch` needs its Buffer back.
Reflect.deleteProperty(process, "getBuiltinModule");
Reflect.deleteProperty(globalThis, "Buffer");
const { native } = await import("../src/native.js");
await import("../src/base64.js");
globalThis.Buffer = Buffer;
if (native) throw new Error("this would test what Node has");
await import("./vectors.test.js");

export {};
