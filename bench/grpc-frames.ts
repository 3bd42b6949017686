/** The method of the benchmark's echo. */
export const ECHO_PATH = '/bench.Echo/Echo';

export const SPEND_PATH = '/points.v1.PointsService/SpendPoints';
export const BALANCE_PATH = '/points.v1.PointsService/GetBalance';
export const IMPORT_PATH = '/points.v1.PointsService/ImportTransactions';

const PREFIX_BYTES = 5;

/** A message as gRPC frames it: not compressed, its length, its bytes. */
export function toFrame(message: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(PREFIX_BYTES + message.length);
  frame.writeUInt8(0, 0);
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, PREFIX_BYTES);
  return frame;
}

/** Takes the whole messages off the front of what has come, and returns the rest. */
export function takeMessages(received: Buffer, each: (message: Buffer) => void): Buffer {
  let rest = received;
  while (rest.length >= PREFIX_BYTES) {
    const end = PREFIX_BYTES + rest.readUInt32BE(1);
    if (rest.length < end) break;
    each(rest.subarray(PREFIX_BYTES, end));
    rest = rest.subarray(end);
  }
  return rest;
}
