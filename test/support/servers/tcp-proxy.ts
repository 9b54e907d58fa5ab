export { startTcpProxy, type TcpProxy } from '../../../src/faults/silent-proxy.js';
