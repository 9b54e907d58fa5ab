/**
 * How a runner without a network reaches the worker's: byte streams, many over one descriptor. Pure types
 * and constants, since the runner imports this file.
 *
 * Frame: type (1 byte), number of the stream (4 bytes), length of the payload (4 bytes), both little-endian,
 * payload. The runner opens streams, with numbers that only grow; the worker decides where they lead.
 */

/** The descriptor after those of the runner protocol and the level's own. */
export const NETWORK_FD = 6;

export const NETWORK_FRAMES = {
  /** Runner: connect to the target, or say the addresses of a name (JSON: one of {@link NetworkRequest}). */
  open: 1,
  /** Worker: it is connected; or the addresses follow, as JSON. */
  opened: 2,
  data: 3,
  /** No more data from this side. */
  end: 4,
  /** The stream is gone; a failure (JSON), or nothing. */
  close: 5,
  /** This many bytes more may come (4 bytes). */
  credit: 6,
  /** Worker: say this again. What came before belongs to the execution that has ended. */
  barrier: 7,
} as const;
export type NetworkFrame = keyof typeof NETWORK_FRAMES;

export const FRAME_HEADER_BYTES = 9;
export const FRAME_PAYLOAD_BYTES = 65_536;
/** What one side may send on a stream before the other has taken it. */
export const STREAM_WINDOW_BYTES = 262_144;

/** Where a stream is to lead. */
export interface NetworkTarget {
  host: string;
  port: number;
}

/** What addresses a name has. The answer is an array of addresses. */
export interface NameQuestion {
  lookup: string;
}

export type NetworkRequest = NetworkTarget | NameQuestion;

/** Of a name with more addresses the others are left out. */
export const ADDRESSES_LIMIT = 64;

/** As people write it. */
export const shownTarget = ({ host, port }: NetworkTarget): string =>
  `${host.includes(':') ? `[${host}]` : host}:${port}`;

/** Why a stream does not lead there, or no longer. */
export interface NetworkFailure {
  code: string;
  message: string;
}

/** `code` of the error that user code gets for what the worker refuses. */
export const NETWORK_REFUSED = 'ERR_NETWORK_REFUSED';
