// A shop's checkout: customers earn points with a purchase, spend them at the till, and get them back with a refund.
//
//   POST /purchases      {"customer", "order", "cents", "at"}   earns 1 point for every 10 cents; at: when, in RFC 3339
//   POST /tills          {"customer", "order", "points"}        pays with points: all of them, or none
//   POST /refunds        {"customer", "order"}                  gives the points of that order's payment back
//   GET  /customers/NAME                                        the points of a customer
//
// Run it: POINTS_ADDRESS=localhost:50051 POINTS_TOKEN=... PORT=3000 npx tsx checkout.ts
// The token is a service's, with the scopes earn, spend, reverse and read.
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import {
  connect,
  InsufficientPointsError,
  InvalidArgumentError,
  NotFoundError,
  PointsError,
  RequestIdReusedError,
  ReversalExceedsSpendError,
} from '@points-ledger/client';

const { POINTS_ADDRESS = 'localhost:50051', POINTS_TOKEN = '', PORT = '3000' } = process.env;
const points = connect({ address: POINTS_ADDRESS, token: POINTS_TOKEN });

/** A real shop keeps this in its database, beside the order. */
const payments = new Map<string, number>();

async function purchase({ customer, order, cents, at }: Body) {
  const earned = Math.floor(Number(cents) / 10);
  const { balance } = await points.addTransaction({
    account: text(customer),
    payer: 'CORNER SHOP',
    points: earned,
    // The order's own time: a purchase that is sent again must be the same in everything.
    timestamp: text(at),
    requestId: requestIdOf('purchase', order),
  });
  return { earned, balance };
}

async function pay({ customer, order, points: wanted }: Body) {
  const { transaction, payers, balance } = await points.spendPoints({
    account: text(customer),
    points: Number(wanted),
    requestId: requestIdOf('payment', order),
  });
  payments.set(text(order), transaction.sequence);
  return { paid: -transaction.points, balance, payers };
}

async function refund({ customer, order }: Body) {
  const sequence = payments.get(text(order));
  if (sequence === undefined) throw new UnknownOrder(`order ${order} was not paid with points`);
  const { transaction, balance } = await points.reverseSpend({
    account: text(customer),
    sequence,
    reason: `refund of order ${order}`,
    requestId: requestIdOf('refund', order),
  });
  return { refunded: transaction.points, balance };
}

/**
 * The request_id follows from the order. So a browser that sends an order twice, or a shop that is restarted while it
 * waits for the ledger and sends it again, neither earns nor pays twice.
 */
function requestIdOf(step: string, order: unknown): string {
  const hex = createHash('sha256').update(`corner-shop/${step}/${order}`).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** What went wrong, as the till shows it. */
function refusal(error: unknown): [status: number, body: object] {
  if (error instanceof InsufficientPointsError) {
    return [402, { error: `${error.available} points are left, ${error.shortfall} too few` }];
  }
  if (error instanceof ReversalExceedsSpendError) return [409, { error: 'this order is refunded already' }];
  if (error instanceof RequestIdReusedError) return [409, { error: `this order has another ${error.field} already` }];
  if (error instanceof InvalidArgumentError) return [400, { error: error.message, fields: error.violations }];
  if (error instanceof NotFoundError || error instanceof UnknownOrder) return [404, { error: error.message }];
  if (error instanceof SyntaxError) return [400, { error: error.message }];
  if (error instanceof PointsError) return [503, { error: 'the points are away; please try again' }];
  return [500, { error: 'our fault' }];
}

class UnknownOrder extends Error {}

type Body = Record<string, unknown>;

const ROUTES: Record<string, (body: Body) => Promise<object>> = {
  'POST /purchases': purchase,
  'POST /tills': pay,
  'POST /refunds': refund,
};

async function answer(request: IncomingMessage): Promise<[status: number, body: object]> {
  try {
    const [, customer] = /^\/customers\/([^/]+)$/.exec(request.url ?? '') ?? [];
    if (request.method === 'GET' && customer) return [200, await points.getBalance({ account: customer })];
    const route = ROUTES[`${request.method} ${request.url}`];
    if (!route) return [404, { error: 'no such page' }];
    return [200, await route(await read(request))];
  } catch (error) {
    return refusal(error);
  }
}

async function read(request: IncomingMessage): Promise<Body> {
  let body = '';
  for await (const chunk of request.setEncoding('utf8')) body += chunk;
  return JSON.parse(body);
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

const server = createServer(async (request, response) => {
  const [status, body] = await answer(request);
  response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`);
});
server.listen(Number(PORT), () => {
  const address = server.address();
  console.log(`the till is open on port ${typeof address === 'object' && address ? address.port : address}`);
});

process.once('SIGTERM', () => {
  server.close();
  points.close();
});
