/** A program that returns twelve random values, each drawn in another way. */
export const RANDOM_VALUES = `import crypto from 'node:crypto'; import vm from 'node:vm';
  export default () => {
    const inContext = () => vm.runInNewContext('Math.random()');
    return [
      Math.random(), Math.random(), inContext(), inContext(), new vm.Script('Math.random()').runInNewContext(),
      crypto.randomUUID(), crypto.randomBytes(16).toString('hex'), crypto.randomInt(2 ** 47),
      globalThis.crypto.randomUUID(), globalThis.crypto.getRandomValues(new Uint32Array(4)).join(),
      crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' }).x,
      crypto.webcrypto.getRandomValues(new Uint32Array(4)).join(),
    ].map(String);
  }`;
