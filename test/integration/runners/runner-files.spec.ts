import { Logger } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { IsolationLevel } from '../../../src/isolation/isolation-level.js';
import { runOnce } from '../../../src/executor/process/run-once.js';
import { RunnerFactory } from '../../../src/executor/pool/runner-factory.js';
import { settingsOf } from '../../support/parts.js';
import { runnerSettings } from '../../../src/config/slices.js';

Logger.overrideLogger(false);

const SOURCE = `
import fs from 'node:fs';
const codeOf = async (use) => {
  try { await use(); return 'ok'; } catch (error) { return error.code; }
};
export default async () => {
  fs.writeFileSync('file', 'text', { mode: 0o600 });
  fs.mkdirSync('folder/inner', { recursive: true });
  fs.writeFileSync('folder/inner/file', 'text');
  return {
    copyFile: await codeOf(() => fs.promises.copyFile('file', 'copy')),
    copied: fs.readFileSync('copy', 'utf8'),
    streams: await codeOf(() => new Promise((done, fail) =>
      fs.createReadStream('file').pipe(fs.createWriteStream('piped')).on('finish', done).on('error', fail))),
    append: await codeOf(() => fs.appendFileSync('file', 'more')),
    truncate: await codeOf(() => fs.truncateSync('file', 1)),
    rename: await codeOf(() => fs.renameSync('piped', 'renamed')),
    chmod: await codeOf(() => fs.chmodSync('file', 0o644)),
    utimes: await codeOf(() => fs.promises.utimes('file', 1, 1)),
    cp: await codeOf(() => fs.promises.cp('folder', 'twin', { recursive: true })),
    watch: await codeOf(() => fs.watch('.').close()),
    remove: await codeOf(() => fs.rmSync('folder', { recursive: true })),
  };
};`;

const WORKS = {
  copyFile: 'ok',
  copied: 'text',
  streams: 'ok',
  append: 'ok',
  truncate: 'ok',
  rename: 'ok',
  remove: 'ok',
};

describe('what code can do with the files of its scratch folder', () => {
  let factory: RunnerFactory;
  beforeAll(async () => {
    factory = await RunnerFactory.open(
      runnerSettings.of(settingsOf({ ISOLATION: 'process', REDIS_URL: 'redis://127.0.0.1:1' })),
    );
  });
  afterAll(async () => {
    await factory.close();
  });

  const resultOn = async (level: IsolationLevel): Promise<unknown> =>
    await runOnce(await factory.bootAside(level), SOURCE, { parameters: {}, network: 'none' });
  /** The level, for a runner that has its worker's user or one that has not. */
  const withUser = (shared: boolean): IsolationLevel => {
    const { level } = factory.choice;
    return Object.assign(Object.create(level) as IsolationLevel, {
      confinement: (place: Parameters<IsolationLevel['confinement']>[0]) => ({
        ...level.confinement(place),
        sharedUser: shared,
        recordLocks: false,
      }),
    });
  };

  it('is everything where the worker’s files are another user’s', async () => {
    expect(await resultOn(withUser(false))).toEqual({
      ...WORKS,
      chmod: 'ok',
      utimes: 'ok',
      cp: 'ok',
      watch: 'ok',
    });
  });

  it('is no change of modes and times, and no watching, where they are the same user’s', async () => {
    expect(await resultOn(withUser(true))).toEqual({
      ...WORKS,
      chmod: 'EPERM',
      utimes: 'EPERM',
      cp: 'EPERM',
      watch: 'EPERM',
    });
  });
});
