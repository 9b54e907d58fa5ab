const [folder, workload, parameters] = process.argv.slice(2);
const { default: work } = await import(`${folder}/${workload}.js`);
const value = await work(JSON.parse(parameters));
process.stdout.write(`${JSON.stringify(value ?? null)}\n`);
