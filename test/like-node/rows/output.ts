import { row, type Row } from '../row.js';

/** What programs print, and what the language and Node's modules give them. */
export const OUTPUT: readonly Row[] = [
  row(
    'console methods',
    'console.log("log"); console.info("info"); console.debug("debug"); console.warn("warn"); console.error("error")',
  ),
  row('formats', 'console.log("%s %d %i %f %j %o %O %%", "a", 1.5, 1.5, 1.5, { a: 1 }, [1], { b: 2 })'),
  row('groups', 'console.group("g"); console.log("in"); console.groupEnd(); console.log("out")'),
  row('a table', 'console.table([{ a: 1, b: 2 }, { a: 3, b: 4 }])'),
  row('dir', 'console.dir({ a: { b: { c: { d: 1 } } } }, { depth: 0 })'),
  row('counts', 'console.count(); console.count("x"); console.countReset(); console.count()'),
  row(
    'writes without a line end',
    'process.stdout.write("a"); process.stdout.write("b\\n"); process.stderr.write("c")',
  ),
  row('writes with a callback', 'process.stdout.write("a\\n", () => console.log("written"))'),
  row(
    'writes in an encoding',
    'process.stdout.write("616a0a", "hex"); process.stdout.write("YQo=", "base64")',
  ),
  row(
    'bytes of UTF-8 apart',
    'const bytes = Buffer.from("ä€😀\\n");\nfor (const byte of bytes) process.stdout.write(Buffer.of(byte))',
  ),
  row('an unfinished character', 'process.stdout.write(Buffer.of(0x61, 0xe2, 0x82))'),
  row('an unfinished character on stderr', 'process.stderr.write(Buffer.of(0xf0, 0x9f))'),
  row('an unfinished character before exit', 'process.stdout.write(Buffer.of(0x61, 0xc3));\nprocess.exit(0)'),
  row('bytes that are no UTF-8', 'process.stdout.write(Buffer.of(0xff, 0x41, 0x0a))'),
  row(
    'an unfinished character and a text',
    'process.stdout.write(Buffer.of(0xc3));\nprocess.stdout.write("x\\n")',
  ),
  row('many lines before exit', 'for (let n = 0; n < 500; n++) console.log("line", n);\nprocess.exit(1)'),
  row('a long line', 'console.log("x".repeat(100000))'),
  row(
    'a stream into stdout',
    'import { Readable } from "node:stream";\nReadable.from(["a", "b\\n"]).pipe(process.stdout)',
  ),
  row(
    'pipeline into stdout',
    'import { pipeline } from "node:stream/promises";\nimport { Readable } from "node:stream";\nawait pipeline(Readable.from(["x\\n"]), process.stdout, { end: false });\nconsole.log("done")',
  ),
  row(
    'a console of its own',
    'import { Console } from "node:console";\nnew Console(process.stdout, process.stderr).log("own")',
  ),
  row('isTTY', 'console.log(Boolean(process.stdout.isTTY), process.stdout.fd)'),
  row(
    'inspected values',
    'console.log(new Map([["a", 1]]), new Set([1]), [undefined, null], { f() {} }, Symbol("s"), 10n, new Date(0), /x/g)',
  ),
  row(
    'inspected classes',
    'class A { #x = 1; y = 2; get z() { return 3 } }\nconsole.log(new A(), A, new (class extends A {})())',
  ),
  row(
    'util.inspect',
    'import { inspect } from "node:util";\nconsole.log(inspect({ a: { b: { c: {} } } }, { depth: 1 }))',
  ),
  row(
    'existsSync of what is not there',
    'const fs = require("node:fs");\nconsole.log(fs.existsSync("/etc/alpine-release"), fs.existsSync("/no/such/file"), fs.existsSync("."))',
  ),
  row(
    'exists of what is not there',
    'require("node:fs").exists("/etc/alpine-release", (there) => console.log(there))',
  ),
  row(
    'files of its own',
    'const fs = require("node:fs"), os = require("node:os"), path = require("node:path");\nconst file = path.join(os.tmpdir(), `row-${process.pid}`);\nfs.writeFileSync(file, "text");\nconsole.log(fs.readFileSync(file, "utf8"));\nfs.rmSync(file)',
  ),
  row(
    'mkdtemp',
    'const fs = require("node:fs"), os = require("node:os"), path = require("node:path");\nconst dir = fs.mkdtempSync(path.join(os.tmpdir(), "a-"));\nconsole.log(fs.statSync(dir).isDirectory());\nfs.rmdirSync(dir)',
  ),
  row(
    'promises of files',
    'import fs from "node:fs/promises";\nimport os from "node:os";\nconst file = `${os.tmpdir()}/p-${process.pid}`;\nawait fs.writeFile(file, "abc");\nconsole.log((await fs.stat(file)).size);\nawait fs.rm(file)',
  ),
  row(
    'userInfo and networkInterfaces',
    'const os = require("node:os");\nconsole.log(typeof os.userInfo().username, typeof os.networkInterfaces())',
  ),
  row(
    'os facts',
    'const os = require("node:os");\nconsole.log(os.EOL === "\\n", os.platform(), os.cpus().length > 0, os.totalmem() > 0, typeof os.hostname())',
  ),
  row(
    'process facts',
    'console.log(process.version, process.platform, typeof process.pid, process.versions.node, process.title.length > 0)',
  ),
  row('process.cwd', 'console.log(process.cwd().startsWith("/"))'),
  row(
    'hrtime and uptime',
    'console.log(typeof process.hrtime.bigint(), process.uptime() > 0, performance.now() > 0)',
  ),
  row('memoryUsage', 'console.log(process.memoryUsage().rss > 0, typeof process.memoryUsage.rss())'),
  row(
    'crypto',
    'const crypto = require("node:crypto");\nconsole.log(crypto.createHash("sha256").update("a").digest("hex"), crypto.randomUUID().length)',
  ),
  row(
    'web crypto',
    'console.log((await crypto.subtle.digest("SHA-1", new TextEncoder().encode("a"))).byteLength)',
  ),
  row(
    'scrypt',
    'import { scryptSync } from "node:crypto";\nconsole.log(scryptSync("p", "s", 8).toString("hex"))',
  ),
  row(
    'zlib',
    'const zlib = require("node:zlib");\nconsole.log(zlib.gunzipSync(zlib.gzipSync("abc")).toString())',
  ),
  row(
    'streams',
    'import { Transform } from "node:stream";\nnew Transform({ transform(c, e, d) { d(null, String(c).toUpperCase()) } }).on("data", (d) => console.log(String(d))).end("abc")',
  ),
  row('web streams', 'for await (const chunk of new Blob(["abc"]).stream()) console.log(chunk.length)'),
  row('URL', 'console.log(new URL("../b?x=1#y", "http://a.b/c/d").href, URL.canParse("x"))'),
  row(
    'Intl',
    'console.log(new Intl.NumberFormat("de-DE").format(1234.5), new Date(0).toLocaleDateString("en-GB", { timeZone: "UTC" }))',
  ),
  row('Temporal or not', 'console.log(typeof Temporal)'),
  row('structuredClone', 'console.log(structuredClone(new Map([[1, new Date(0)]])))'),
  row(
    'timers/promises',
    'import { setTimeout as sleep } from "node:timers/promises";\nconsole.log(await sleep(2, "slept"))',
  ),
  row(
    'readline',
    'import readline from "node:readline";\nimport { Readable } from "node:stream";\nfor await (const line of readline.createInterface({ input: Readable.from(["a\\nb"]) })) console.log(line)',
  ),
  row(
    'util.promisify',
    'import { promisify } from "node:util";\nconsole.log(await promisify(setTimeout)(1, "x"))',
  ),
  row('vm', 'import vm from "node:vm";\nconsole.log(vm.runInNewContext("a + 1", { a: 1 }))'),
  row('WebAssembly', 'console.log(WebAssembly.validate(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0])))'),
  row(
    'parseArgs',
    'import { parseArgs } from "node:util";\nconsole.log(parseArgs({ args: ["-f"], options: { f: { type: "boolean", short: "f" } } }).values.f)',
  ),
  row('enums', 'const enum E { A, B = 5 }\nenum F { C = "c" }\nconsole.log(E.B, F.C, F)', {
    reason: 'Node refuses enum, namespace and parameter properties; ours compiles all of TypeScript',
    in: ['stdout', 'stderr', 'exit code'],
    shows: /^5 c/,
  }),
  row(
    'type assertions',
    'const n = "1" as unknown as number;\nconst m = n satisfies number;\nconsole.log(m!)',
  ),
  row(
    'class fields',
    'class A { declared: number; set = 1; static s = 2 }\nconsole.log(Object.keys(new A()), A.s)',
  ),
  row(
    'private fields and static blocks',
    'class A { static #n = 1; static { A.#n = 2 } static get n() { return A.#n } }\nconsole.log(A.n)',
  ),
  row('optional chaining', 'const o: { a?: { b: number } } = {};\nconsole.log(o.a?.b ?? "none")'),
  row(
    'regular expressions',
    'console.log("2024-01".match(/(?<y>\\d+)-(?<m>\\d+)/)?.groups?.y, /\\p{L}/u.test("ä"), "aXbX".replaceAll("X", "-"))',
  ),
  row(
    'iterators',
    'console.log([1, 2, 3].values().map((n) => n * 2).toArray(), Object.groupBy([1, 2], (n) => n % 2 ? "odd" : "even"))',
  ),
  row(
    'labels and switches',
    'outer: for (const a of [1, 2]) { for (const b of [1, 2]) { if (b === 2) continue outer; console.log(a, b) } }',
  ),
  row(
    'getters and proxies',
    'const p = new Proxy({}, { get: (_, name) => String(name) });\nconsole.log(p.hello)',
  ),
  row(
    'tagged templates',
    'const tag = (s, ...v) => s.raw.join("|") + v.join(",");\nconsole.log(tag`a${1}\\n${2}`)',
  ),
  row(
    'generators',
    'function* g() { const x = yield 1; console.log("got", x); return 3 }\nconst it = g();\nconsole.log(it.next(), it.next("v"))',
  ),
  row(
    'async generators',
    'async function* g() { yield 1; yield 2 }\nfor await (const n of g()) console.log(n)',
  ),
  row('JSON with dates', 'console.log(JSON.stringify({ d: new Date(0), u: undefined, n: NaN }))'),
  row(
    'Atomics and SharedArrayBuffer',
    'const a = new Int32Array(new SharedArrayBuffer(4));\nAtomics.add(a, 0, 5);\nconsole.log(a[0])',
  ),
  row(
    'environment',
    'process.env.MINE = 1;\nconsole.log(process.env.MINE, process.env.NOT_THERE, "MINE" in process.env)',
  ),
  row(
    'diagnostics_channel',
    'import dc from "node:diagnostics_channel";\ndc.subscribe("a", (m) => console.log(m));\ndc.channel("a").publish("hi")',
  ),
  row(
    'a Worker-like MessageChannel',
    'const { port1, port2 } = new MessageChannel();\nport2.onmessage = ({ data }) => { console.log(data); port2.close() };\nport1.postMessage("hi")',
  ),
  row(
    'EventTarget',
    'const t = new EventTarget();\nt.addEventListener("a", (e) => console.log(e.type));\nt.dispatchEvent(new Event("a"))',
  ),
  row('module.builtinModules', 'console.log(require("node:module").builtinModules.includes("fs"))'),
  row('process.getBuiltinModule', 'console.log(typeof process.getBuiltinModule("fs").readFileSync)'),
  row(
    'import attributes',
    'export {};\nconst { default: os } = await import("node:os");\nconsole.log(typeof os)',
  ),
];
