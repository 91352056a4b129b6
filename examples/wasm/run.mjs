// node run.mjs FILE: runs the module twice, for what the first run leaves behind the second one would see.
import { readFileSync } from 'node:fs';

const module = await WebAssembly.compile(readFileSync(process.argv[2]));
const imports = WebAssembly.Module.imports(module);
if (imports.length !== 0) throw new Error(`imports: ${JSON.stringify(imports)}`);
const { exports } = await WebAssembly.instantiate(module, {});
for (const run of ['first', 'second']) {
  const samples = exports.run_firmware();
  console.log(`${run} run: ${samples} samples`);
  if (samples !== 300) process.exit(1);
}
console.log('passed');
