// The servers of packages from npm, as a process of its own: its first argument is the folder in which they are
// installed, its second the certificate. Prints their ports.
import { createRequire } from 'node:module';
import { join } from 'node:path';

const require = createRequire(join(process.argv[2], 'servers.js'));
const certificate = JSON.parse(process.argv[3]);
const mysql = require('mysql2');
const { SMTPServer } = require('smtp-server');

const database = mysql.createServer();
database.on('connection', (connection) => {
  connection.serverHandshake({
    protocolVersion: 10,
    serverVersion: '8.0.0',
    connectionId: 1,
    statusFlags: 2,
    characterSet: 8,
    capabilityFlags: 0xffffff ^ 0x800,
  });
  connection.on('error', () => undefined);
  connection.on('query', (sql) =>
    connection.writeTextResult(
      [{ said: sql }],
      [
        {
          catalog: 'def',
          schema: 'd',
          table: 't',
          orgTable: 't',
          name: 'said',
          orgName: 'said',
          characterSet: 33,
          columnLength: 1024,
          columnType: 253,
          flags: 0,
          decimals: 0,
        },
      ],
    ),
  );
});
database.listen(0, '127.0.0.1');

const mail = new SMTPServer({
  ...certificate,
  logger: false,
  onAuth: ({ username, password }, _session, done) =>
    username === 'u' && password === 'p' ? done(null, { user: 'u' }) : done(new Error('no')),
  onRcptTo: ({ address }, _session, done) =>
    done(
      address.startsWith('refused')
        ? Object.assign(new Error('no such user'), { responseCode: 550 })
        : undefined,
    ),
  onData(stream, session, done) {
    stream.resume().on('end', () => done(null, `secure ${session.secure}`));
  },
});
mail.on('error', () => undefined);
const listening = mail.listen(0, '127.0.0.1');
const server = database._server;
await Promise.all(
  [server, listening].map((one) => one.listening || new Promise((done) => one.once('listening', done))),
);
process.stdout.write(`${JSON.stringify({ mysql: server.address().port, smtp: listening.address().port })}\n`);
