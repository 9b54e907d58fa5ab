import { describe, expect, it } from '@jest/globals';
import { inOrder, type Service, together } from './service.js';

const SETTLED = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Services that note what happens to them, and wait where `holds` names one. */
function noted(holds: Readonly<Record<string, Promise<void>>> = {}) {
  const events: string[] = [];
  const service = (name: string): Service => ({
    start: async () => {
      events.push(`start ${name}`);
      await holds[`start ${name}`];
      events.push(`${name} has started`);
    },
    stop: async () => {
      events.push(`stop ${name}`);
      await holds[`stop ${name}`];
      events.push(`${name} has stopped`);
    },
  });
  return { events, service };
}

describe('services in order', () => {
  it('start one after the other and stop in reverse, each once however often that is asked for', async () => {
    const { events, service } = noted();
    const services = inOrder(service('a'), service('b'));
    await Promise.all([services.start(), services.start()]);
    await Promise.all([services.stop(), services.stop()]);
    await services.stop();
    expect(events).toEqual([
      'start a',
      'a has started',
      'start b',
      'b has started',
      'stop b',
      'b has stopped',
      'stop a',
      'a has stopped',
    ]);
  });

  it('of which one cannot start are tried again from the first, and all that began are stopped once', async () => {
    const { events, service } = noted();
    let failures = 1;
    const failing: Service = {
      ...service('b'),
      start: () => {
        if (failures-- > 0) throw new Error('no space left');
        events.push('b has started');
      },
    };
    const services = inOrder(service('a'), failing);
    await expect(services.start()).rejects.toThrow('no space left');
    await services.start();
    await services.stop();
    expect(events).toEqual([
      'start a',
      'a has started',
      'start a',
      'a has started',
      'b has started',
      'stop b',
      'b has stopped',
      'stop a',
      'a has stopped',
    ]);
  });

  it('are not started any more once they are stopped, also before they were started', async () => {
    const { events, service } = noted();
    const services = inOrder(service('a'));
    await services.stop();
    await services.start();
    expect(events).toEqual([]);
  });

  it('that are stopped while one starts stop that one too, and leave the others alone', async () => {
    const gate = Promise.withResolvers<void>();
    const { events, service } = noted({ 'start b': gate.promise });
    const services = inOrder(service('a'), service('b'), service('c'));
    const starting = services.start();
    await SETTLED();
    await services.stop();
    gate.resolve();
    await starting;
    expect(events).toEqual([
      'start a',
      'a has started',
      'start b',
      'stop b',
      'b has stopped',
      'stop a',
      'a has stopped',
      'b has started',
    ]);
  });

  it('that cannot start keep the next from it, and are stopped', async () => {
    const { events, service } = noted({ 'start a': Promise.reject(new Error('no start')) });
    const services = inOrder(service('a'), service('b'));
    await expect(services.start()).rejects.toThrow('no start');
    await services.stop();
    expect(events).toEqual(['start a', 'stop a', 'a has stopped']);
  });

  it('that cannot stop keep no other from it, and say so at the end', async () => {
    const { events, service } = noted({ 'stop b': Promise.reject(new Error('no stop')) });
    const services = inOrder(service('a'), service('b'));
    await services.start();
    await expect(services.stop()).rejects.toThrow('no stop');
    expect(events.slice(4)).toEqual(['stop b', 'stop a', 'a has stopped']);
  });
});

describe('services together', () => {
  it('start at once and stop at once', async () => {
    const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const;
    const { events, service } = noted({ 'start a': gates[0].promise, 'stop a': gates[1].promise });
    const services = together(service('a'), service('b'));
    const starting = Promise.resolve(services.start());
    await SETTLED();
    expect(events).toEqual(['start a', 'start b', 'b has started']);
    gates[0].resolve();
    await starting;
    const stopping = Promise.resolve(services.stop());
    await SETTLED();
    expect(events.slice(4)).toEqual(['stop a', 'stop b', 'b has stopped']);
    gates[1].resolve();
    await stopping;
    expect(events.at(-1)).toBe('a has stopped');
  });

  it('stop all although one cannot, and say so', async () => {
    const { events, service } = noted({ 'stop a': Promise.reject(new Error('no stop')) });
    const services = together(service('a'), service('b'));
    await services.start();
    await expect(services.stop()).rejects.toThrow('no stop');
    expect(events.slice(4)).toEqual(['stop a', 'stop b', 'b has stopped']);
  });
});
