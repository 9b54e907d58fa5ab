import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { EventEmitter } from 'node:events';
import type { Server } from 'node:http';
import { PassThrough } from 'node:stream';
import { WaitingConnections } from './waiting-connections.js';

const LIMIT = 4;

/** A connection as far as it is looked at; what was said to its client before its end. */
class Connection extends PassThrough {
  isEnded = false;
  destroySoon(): void {
    this.isEnded = true;
    this.end();
    this.emit('close');
  }
  get said(): string {
    return String(this.read() ?? '');
  }
}

let server: EventEmitter;
beforeEach(() => {
  jest.useFakeTimers();
  server = new EventEmitter();
  new WaitingConnections(LIMIT).attach(server as Server);
});
afterEach(() => void jest.useRealTimers());

function connect(count: number): Connection[] {
  const all = Array.from({ length: count }, () => new Connection());
  for (const one of all) server.emit('connection', one);
  return all;
}

/** A whole request arrives. @returns its answer, which is not sent yet */
function ask(socket: Connection): EventEmitter & { shouldKeepAlive: boolean } {
  const response = Object.assign(new EventEmitter(), { shouldKeepAlive: true });
  server.emit('request', { headers: {}, socket }, response);
  return response;
}

describe('connections that wait for their client', () => {
  it('are all kept when many come at once and say soon what they want', () => {
    const all = connect(3 * LIMIT);
    for (const one of all) ask(one).emit('finish');
    expect(all.filter(({ isEnded }) => isEnded)).toEqual([]);
  });

  it('are ended above the limit after a second, the longest waiting first, with 503', () => {
    const all = connect(LIMIT + 2);
    jest.advanceTimersByTime(900);
    const late = connect(1);
    jest.advanceTimersByTime(100);
    expect(all.map(({ isEnded }) => isEnded)).toEqual([true, true, false, false, false, false]);
    expect(all[0]!.said).toMatch(/^HTTP\/1.1 503 [^]*\r\nRetry-After: 5\r\n/);
    jest.advanceTimersByTime(1_000);
    expect(all.map(({ isEnded }) => isEnded)).toEqual([true, true, true, false, false, false]);
    expect(late[0]!.isEnded).toBe(false);
  });

  it('are not ended after an answer because others connect', () => {
    const idle = connect(LIMIT);
    for (const one of idle) ask(one).emit('finish');
    jest.advanceTimersByTime(5_000);
    const others = connect(LIMIT);
    jest.advanceTimersByTime(900);
    for (const one of others) ask(one).emit('finish');
    expect([...idle, ...others].filter(({ isEnded }) => isEnded)).toEqual([]);
  });

  it('are ended at once above four times the limit', () => {
    const all = connect(4 * LIMIT + 1);
    expect(all.map(({ isEnded }) => isEnded)).toEqual([true, ...all.slice(1).map(() => false)]);
  });

  it('get an answer that says that they end, where more are open than may wait', () => {
    const all = connect(LIMIT + 1);
    const answers = all.map(ask);
    expect(answers.map(({ shouldKeepAlive }) => shouldKeepAlive)).toEqual(all.map(() => false));
    all[0]!.destroySoon();
    expect(ask(all[1]!).shouldKeepAlive).toBe(true);
  });

  it('are ended without a word after an answer', () => {
    const all = connect(LIMIT + 1);
    for (const one of all) ask(one).emit('finish');
    jest.advanceTimersByTime(1_000);
    expect(all.map(({ isEnded }) => isEnded)).toEqual([true, false, false, false, false]);
    expect(all[0]!.said).toBe('');
  });
});
