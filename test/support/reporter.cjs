// Mocha's spec reporter, and its numbers in a file for scripts/test.js.
const { writeFileSync } = require('node:fs');
const { reporters } = require('mocha');

class SpecWithTotals extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    runner.once('end', () => {
      const { passes, failures, pending } = this.stats;
      writeFileSync(process.env.MOCHA_TOTALS, JSON.stringify({ passes, failures, pending }));
    });
  }
}

module.exports = SpecWithTotals;
