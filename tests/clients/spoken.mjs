// One JSON object a line: what the test tells this program, and what it answers.
import { createInterface } from "node:readline"

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()

export const hear = async () => JSON.parse((await lines.next()).value)

export const say = (content) => process.stdout.write(JSON.stringify(content) + "\n")
