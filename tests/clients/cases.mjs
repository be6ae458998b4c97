// Runs named cases, tells those that failed, and how many were fine. `after` each of them tidies up.
export async function run(what, cases, after = async () => {}) {
  let fine = 0;
  for (const [name, attempt] of Object.entries(cases)) {
    try {
      await within(12_000, attempt());
      fine += 1;
    } catch (error) {
      console.log(`failed: ${name}: ${String(error?.message ?? error).slice(0, 300)}`);
    }
    await after();
  }
  console.log(`${fine} of ${Object.keys(cases).length} ${what}`);
  process.exit(0);
}

export const need = (fine, told) => {
  if (!fine) throw new Error(typeof told === 'string' ? told : JSON.stringify(told));
};

export const within = (ms, promise) => {
  let timer;
  const late = new Promise((_, fail) => {
    timer = setTimeout(() => fail(new Error(`nothing within ${ms} ms`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
};
