import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ChildDoor } from './child-door.js';

let folder: string;
let door: ChildDoor;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'door-spec-'));
  door = await ChildDoor.open(folder);
});

afterEach(async () => {
  await door.close();
  expect(readdirSync(folder)).toEqual([]);
  rmSync(folder, { recursive: true });
});

async function knock(token: Buffer, number: number, more = ''): Promise<Socket> {
  const connection = connect(door.path);
  await once(connection, 'connect');
  connection.on('error', () => undefined);
  connection.write(Buffer.concat([token, Buffer.from([number]), Buffer.from(more)]));
  return connection;
}

/** It was closed from the other side; nothing else ends what a test opens. */
const isTurnedAway = async (connection: Socket): Promise<void> => {
  connection.resume();
  await once(connection, 'close');
};

it('only the user of the worker may enter', () => {
  expect(statSync(dirname(door.path)).mode & 0o777).toBe(0o700);
});

it('a child is there when all of its connections are, in whatever order, and none of their bytes is lost', async () => {
  const [one, other] = [door.expect([1, 3]), door.expect([1, 3])];
  const mine = await knock(one.token, 3, 'boot {"type":"ready"}\n');
  const others = [await knock(other.token, 1), await knock(other.token, 3)];
  const late = await knock(one.token, 1);
  const connections = await one.arrived;
  expect([...connections.keys()].toSorted((a, b) => a - b)).toEqual([1, 3]);
  const [bytes] = (await once(connections.get(3) as Socket, 'data')) as [Buffer];
  expect(String(bytes)).toBe('boot {"type":"ready"}\n');
  await other.arrived;
  for (const connection of [mine, late, ...others]) connection.destroy();
});

it('turns away a token that it did not give, a number that was not asked for, and a second connection', async () => {
  const guest = door.expect([1]);
  await isTurnedAway(await knock(Buffer.alloc(16, 7), 1));
  await isTurnedAway(await knock(guest.token, 4));
  const first = await knock(guest.token, 1);
  await guest.arrived;
  await isTurnedAway(await knock(guest.token, 1));
  first.destroy();
});

it('turns away a child that is no longer expected, also what of it has come', async () => {
  const guest = door.expect([1, 2]);
  const early = await knock(guest.token, 1);
  // That it has come is seen by the next one, which is turned away after it.
  await isTurnedAway(await knock(Buffer.alloc(16, 7), 1));
  guest.dismiss();
  await isTurnedAway(early);
  await isTurnedAway(await knock(guest.token, 2));
});
