export { pick, randomOf } from '../../src/lib/seeded-random.js';
