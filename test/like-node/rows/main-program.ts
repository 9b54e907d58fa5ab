import { row, type Row, script } from '../row.js';

/** Whether and how a file is the main program, and what its format makes of it. */
export const MAIN_PROGRAM: readonly Row[] = [
  row('require.main', 'function main() { console.log("ran") }\nif (require.main === module) main();'),
  row(
    'import.meta.main',
    'import os from "node:os";\nif (import.meta.main) console.log("ran", typeof os.EOL);',
  ),
  row('import.meta.main alone', 'if (import.meta.main) console.log("ran")'),
  row(
    'a guard that awaits',
    'async function main() { await null; console.log("ran") }\nif (import.meta.main) await main();',
  ),
  row(
    'a guard and a default export',
    'export default function main() { console.log("once") }\nif (import.meta.main) main();',
  ),
  row(
    'a guard and module.exports',
    'function main() { console.log("once") }\nmodule.exports = main;\nif (require.main === module) main();',
  ),
  row(
    'import.meta.url and the path of the program',
    'import { pathToFileURL } from "node:url";\nif (import.meta.url === pathToFileURL(process.argv[1]).href) console.log("main");\nconsole.log(import.meta.url.endsWith("/inline-code.ts"))',
  ),
  row(
    'a guard by import.meta.url and a default export',
    'import { pathToFileURL } from "node:url";\nexport default function main() { console.log("once") }\nif (import.meta.url === pathToFileURL(process.argv[1]).href) main();',
  ),
  row(
    'a guard by the path of the program and a default export',
    'import { argv } from "node:process";\nexport default function main() { console.log("once") }\nif (argv[1] === import.meta.filename) main();',
  ),
  row('!module.parent', 'if (!module.parent) console.log("main")'),
  row(
    'process.mainModule',
    'console.log(process.mainModule === module, process.mainModule === require.main)',
  ),
  row('no process.mainModule in ESM', 'export {};\nconsole.log(process.mainModule)'),
  row('module.id', 'console.log(module.id, module.loaded, module.children.length)'),
  row('module.filename', 'console.log(module.filename === __filename, require.main.filename === __filename)'),
  row('its own paths', 'console.log(require("node:path").basename(__filename), __dirname.length > 0)'),
  row(
    'import.meta paths',
    'console.log(import.meta.filename.endsWith("inline-code.ts"), import.meta.url.startsWith("file://"))',
  ),
  row('process.argv', 'console.log(process.argv.length, process.argv[1] === __filename)'),
  row(
    'argv in ESM',
    'import { fileURLToPath } from "node:url";\nconsole.log(process.argv[1] === fileURLToPath(import.meta.url))',
  ),
  row('this is exports', 'console.log(this === module.exports, this === exports)'),
  row('this in ESM', 'export {};\nconsole.log(this)'),
  row('this in a function', 'function f() { return this === globalThis }\nconsole.log(f())'),
  row('this in a strict function', 'function f() { "use strict"; return this }\nconsole.log(f())'),
  row('this in a function of ESM', 'export {};\nfunction f() { return this }\nconsole.log(f())'),
  row(
    'an undeclared variable',
    'for (i = 0; i < 3; i++);\nconsole.log(i, globalThis.i); delete globalThis.i;',
  ),
  row(
    'an undeclared variable in ESM',
    'export {};\ntry { total = 5 } catch (error) { console.log(error.name) }',
  ),
  row(
    'an undeclared variable with use strict',
    '"use strict";\ntry { total = 5 } catch (error) { console.log(error.name) }',
  ),
  row('this.total', 'this.total = 5;\nconsole.log(module.exports)'),
  row('arguments of the module', 'console.log(arguments.length, typeof arguments[1])'),
  script('a with statement', 'with ({ a: 1 }) { console.log(a) }'),
  row('an octal literal', 'console.log("\\101", 8)'),
  script('a duplicate parameter', 'function f(a, a) { return a }\nconsole.log(f(1, 2))', {
    reason: 'the compiler refuses it as TypeScript does',
    in: ['stdout', 'stderr', 'exit code'],
  }),
  script('delete of a name', 'globalThis.gone = 1;\nconsole.log(delete gone, typeof gone)', {
    reason: 'the compiler refuses it as strict mode does',
    in: ['stdout', 'stderr', 'exit code'],
  }),
  row(
    'a type-only import and module.exports',
    'import type { X } from "./t";\nmodule.exports = { a: 1 };\nconsole.log(module.exports, require.main === module)',
  ),
  row(
    'an exported type and module.exports',
    'interface A { a: number }\nexport type { A };\nconst a: A = { a: 1 };\nconsole.log(a)',
  ),
  row('only types', 'type N = number;\nconst n: N = 1;\nconsole.log(n, typeof module)'),
  row('export {}', 'export {};\nconsole.log(typeof module, typeof require)'),
  row('import makes a module', 'import "node:fs";\nconsole.log(typeof module, typeof exports)'),
  row('top-level await makes a module', 'await null;\nconsole.log(typeof module)'),
  row('dynamic import does not', 'import("node:path").then(({ sep }) => console.log(sep, typeof module))'),
  row('import.meta makes a module', 'console.log(typeof import.meta.url);\nconsole.log(typeof module)'),
  row('require of a built-in', 'const fs = require("fs");\nconsole.log(fs === require("node:fs"))'),
  row('require.resolve of a built-in', 'console.log(require.resolve("fs"))'),
  row(
    'require.cache holds it',
    'console.log(Object.keys(require.cache).filter((name) => name === __filename).length)',
  ),
  row(
    'createRequire',
    'import { createRequire } from "node:module";\nconsole.log(createRequire(import.meta.url)("node:path").sep)',
  ),
  row(
    'require of what is not there',
    'try { require("./nothing") } catch (error) { console.log(error.code) }',
  ),
  row(
    'import of what is not there',
    'await import("./nothing.js").catch((error) => console.log(error.code))',
  ),
  row(
    'require of a missing package',
    'try { require("no-such-package-here") } catch (error) { console.log(error.code) }',
  ),
  row(
    'import of a missing package',
    'await import("no-such-package-here").catch((error) => console.log(error.code))',
  ),
  script('top-level return', 'console.log("before");\nif (true) return;\nconsole.log("after")'),
  script('a top-level return with a value', 'console.log(1);\nreturn [1].map((n) => n + 1);'),
  script(
    'a top-level return in a block',
    'for (const n of [1, 2]) { if (n === 2) { return n; } console.log(n) }',
  ),
  row('module.exports of a value', 'module.exports = 42;\nconsole.log(module.exports)'),
  row('exports by name', 'exports.a = 1;\nconsole.log(module.exports)'),
  row(
    'a comment before use strict',
    '// first\n"use strict";\ntry { total = 5 } catch (error) { console.log(error.name) }',
  ),
  row('a hashbang', '#!/usr/bin/env node\nconsole.log("ran")'),
  row('a byte order mark', '\ufeffconsole.log("ran")'),
  row('an empty file', ''),
  row('only a comment', '// nothing'),
  row('eval', 'var x = 1;\nconsole.log(eval("x + 1"), (0, eval)("typeof x"))'),
  row(
    'new Function',
    'console.log(new Function("a", "return a * 2")(4), new Function("return this")() === globalThis)',
  ),
  row('indirect globals', 'var y = 1;\nconsole.log(globalThis.y)'),
  row('a function in a block', 'if (true) { function f() { return 1 } }\nconsole.log(f())'),
  row('Function.prototype.toString', 'function f(a) { return a }\nconsole.log(f.name, f.length)'),
  row('class names', 'const A = class {};\nconsole.log(A.name, (class B {}).name, (() => {}).name)'),
];
