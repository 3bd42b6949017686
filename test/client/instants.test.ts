import { expect } from 'chai';
import { InvalidArgumentError } from '../../clients/typescript/src/index.ts';
import { toInstant, toTimestamp } from '../../clients/typescript/src/instant.ts';

describe('client: times', () => {
  for (const [input, iso] of [
    ['2020-11-02T14:00:00Z', '2020-11-02T14:00:00Z'],
    ['2020-11-02T14:00:00.250Z', '2020-11-02T14:00:00.250Z'],
    ['2020-11-02T14:00:00.25Z', '2020-11-02T14:00:00.250Z'],
    ['2020-11-02T14:00:00.000001Z', '2020-11-02T14:00:00.000001Z'],
    ['2020-11-02T14:00:00.100000Z', '2020-11-02T14:00:00.100Z'],
    ['2020-11-02T14:00:00.123456789Z', '2020-11-02T14:00:00.123456789Z'],
    ['2020-11-02T14:00:00.1234567899999Z', '2020-11-02T14:00:00.123456789Z'],
    ['2020-11-02t14:00:00z', '2020-11-02T14:00:00Z'],
    ['2020-11-02T14:00:00.000001+05:30', '2020-11-02T08:30:00.000001Z'],
    ['2020-11-02T14:00:00-23:59', '2020-11-03T13:59:00Z'],
    ['2020-02-29T23:59:59.999999Z', '2020-02-29T23:59:59.999999Z'],
    ['1969-12-31T23:59:59.999999Z', '1969-12-31T23:59:59.999999Z'],
    ['0001-01-01T00:00:00Z', '0001-01-01T00:00:00Z'],
    ['9999-12-31T23:59:59.999999Z', '9999-12-31T23:59:59.999999Z'],
    [new Date('2020-11-02T14:00:00.123Z'), '2020-11-02T14:00:00.123Z'],
    [new Date(-1), '1969-12-31T23:59:59.999Z'],
    [{ iso: '2020-11-02T14:00:00.000001Z' }, '2020-11-02T14:00:00.000001Z'],
  ] as const) {
    it(`${JSON.stringify(input)} is ${iso}, and comes back as it went`, () => {
      const instant = toInstant(toTimestamp(input, 'timestamp'));
      expect(instant.iso).to.equal(iso);
      expect(instant.date.toISOString()).to.equal(new Date(iso).toISOString());
      expect(toInstant(toTimestamp(instant, 'timestamp'))).to.deep.equal(instant);
    });
  }

  for (const input of [
    '',
    'yesterday',
    '2020-11-02',
    '2020-11-02T14:00:00',
    '2020-11-02 14:00:00Z',
    '2020-11-02T14:00Z',
    '2020-02-30T00:00:00Z',
    '2019-02-29T00:00:00Z',
    '2020-11-02T24:00:00Z',
    '2020-11-02T23:59:60Z',
    '2020-11-02T14:00:00+24:00',
    '2020-11-02T14:00:00+0530',
    '2020-11-02T14:00:00.Z',
    '+02020-11-02T14:00:00Z',
    '0001-01-01T00:00:00+00:01',
    '9999-12-31T23:59:59-00:01',
    ' 2020-11-02T14:00:00Z',
    new Date(Number.NaN),
    new Date(8.64e15),
    1_604_325_600_000,
    null,
    undefined,
    {},
  ]) {
    it(`${input instanceof Date ? `Date ${input.getTime()}` : JSON.stringify(input)} is refused, naming the field`, () => {
      expect(() => toTimestamp(input as string, 'transactions[3].timestamp'))
        .to.throw(InvalidArgumentError, /^transactions\[3\]\.timestamp: /)
        .that.has.nested.property('violations[0].field', 'transactions[3].timestamp');
    });
  }
});
