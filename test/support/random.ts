export { pick, randomOf } from '../../src/faults/seeded-random.js';
