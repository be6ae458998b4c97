// The playground in a real browser, against a running demo.
//
//   node tests/browser.mjs http://127.0.0.1:8080 [--subscription] [--screenshots FOLDER]
//
// One line for each step, then how many there were. With --subscription it is the server's socket
// that is asked, and not a pretended one.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { chromium } from 'playwright-core';

import { boxes } from './boxes.mjs';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { subscription: { type: 'boolean' }, screenshots: { type: 'string' } },
});
const base = positionals[0] ?? 'http://127.0.0.1:8080';
const DESK = { width: 1280, height: 800 };
const PHONE = { width: 390, height: 844 };

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  // Containers have little of it.
  args: ['--disable-dev-shm-usage'],
});
/** What no step may cause. */
const problems = [];
/** What one step causes on purpose. */
let meant = null;
let [passed, all] = [0, 0];

async function open(settings = {}, path = '/playground') {
  const context = await browser.newContext({ viewport: DESK, ...settings });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  page.on('console', (message) => {
    const told = `${message.type()}: ${message.text()}`;
    if (!['error', 'warning'].includes(message.type()) || meant?.test(told)) return;
    problems.push(told);
  });
  page.on('pageerror', (error) => problems.push(`uncaught: ${error.message}`));
  page.on('requestfailed', (request) => {
    const why = request.failure()?.errorText;
    if (why !== 'net::ERR_ABORTED') problems.push(`${request.url()}: ${why}`);
  });
  for (const event of ['request', 'websocket']) {
    page.on(event, (request) => {
      const { protocol, host } = new URL(request.url());
      if (protocol !== 'data:' && host !== new URL(base).host) problems.push(`left the house: ${request.url()}`);
    });
  }
  await page.goto(base + path);
  if (path === '/playground') await page.locator('.graphiql-query-editor .view-line').first().waitFor();
  return page;
}

async function step(name, work) {
  all += 1;
  try {
    await work();
    assert.deepEqual(problems, []);
    passed += 1;
    console.log(`ok    ${name}`);
  } catch (error) {
    console.log(`WRONG ${name}: ${error.stack}`);
  }
  problems.length = 0;
  meant = null;
}

const button = (page, name, exact = true) => page.getByRole('button', { name, exact });
/** GraphiQL keeps an editor's text where no wrapping or scrolling changes it. */
const text = (page, editor) =>
  page.evaluate((name) => {
    const tabs = JSON.parse(localStorage.getItem('graphiql:tabState') ?? 'null');
    return tabs?.tabs[tabs.activeTabIndex]?.[name] ?? '';
  }, editor);
const until = async (what, wanted) => {
  const end = Date.now() + 10_000;
  let value = await what();
  while (!wanted(value)) {
    assert.ok(Date.now() < end, `still ${JSON.stringify(value)}`);
    await new Promise((later) => setTimeout(later, 50));
    value = await what();
  }
  return value;
};

const me = (page, name) => page.locator('header').getByText(name);

async function signIn(page, name) {
  await button(page, 'Sign in').click();
  await page.getByRole('dialog').getByRole('button', { name }).click();
  await me(page, name).waitFor();
}

/** Monaco's spaces do not break. */
const shown = async (page) => (await page.locator('.result-window').innerText()).replaceAll('\u00a0', ' ');

/** Runs what is in the editor: the answer's JSON, and what the page shows of it. */
async function run(page) {
  const [answer] = await Promise.all([
    page.waitForResponse(
      (response) =>
        response.url().endsWith('/graphql') && !/IntrospectionQuery|signOut/.test(response.request().postData() ?? ''),
    ),
    page.getByRole('button', { name: /^Execute query/ }).click(),
  ]);
  await page.locator('.readout .item').first().waitFor();
  return { answer, json: await answer.json(), shown: () => shown(page) };
}

const example = (page, name) =>
  page.getByRole('region', { name: 'Examples' }).getByRole('button', { name, exact: true }).first();

await step('the welcome page says how the server is, and leads on', async () => {
  const page = await open({}, '/');
  await page.getByText('reachable').waitFor();
  await page.getByText('current').waitFor();
  await page.getByRole('link', { name: 'Playground' }).click();
  await page.locator('.graphiql-query-editor .view-line').first().waitFor();
  assert.ok(page.url().endsWith('/playground'));
  await page.context().close();
});

const page = await open();

await step('two clicks sign in as a person of the demo', async () => {
  await button(page, 'Sign in').click();
  await page.getByRole('dialog').getByRole('button', { name: 'Ryan Reed' }).click();
  await me(page, 'Ryan Reed').waitFor();
  await page.locator('header').getByText('Rep · Acme Movers').waitFor();
});

await step('the first example shows data, and what it took', async () => {
  const { answer, json, shown } = await run(page);
  assert.ok(json.data.companies.nodes.length > 0);
  await until(shown, (shown) => shown.includes(json.data.companies.nodes[0].name));
  const told = await page.locator('.readout').innerText();
  assert.match(told, /status\s+200/);
  assert.match(told, /time\s+[\d.]+ ms/);
  assert.match(told, /size\s+[\d.]+ (B|KiB)/);
  assert.ok(told.includes(answer.headers()['x-request-id']));
});

await step('the cost is shown, and what is left', async () => {
  const cost = {
    requestedQueryCost: 112,
    actualQueryCost: 57,
    throttleStatus: { maximumAvailable: 10000, currentlyAvailable: 9943, restoreRate: 500 },
  };
  await page.route('**/graphql', async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, json: { ...(await response.json()), extensions: { cost } } });
  });
  await run(page);
  await until(
    () => page.locator('.readout').innerText(),
    (told) => /cost\s+57 of 112/.test(told) && told.includes('9,943'),
  );
  await page.unroute('**/graphql');
});

await step('one click opens an example with ids that one sees', async () => {
  await example(page, 'query Company').click();
  const variables = await until(
    () => text(page, 'variables'),
    (text) => /company_\w+/.test(text),
  );
  const { json, shown } = await run(page);
  assert.equal(json.data.company.id, JSON.parse(variables).companyId);
  await until(shown, (shown) => shown.includes(json.data.company.name));
  assert.equal(await page.getByRole('tab').count(), 2, 'in a tab of its own');
});

await step('a name beside an example signs in as that person', async () => {
  await button(page, 'Companies filtered, as viewer@acme.test').click();
  await me(page, 'Vera Vance').waitFor();
  await page.getByRole('tab', { name: 'CompaniesFiltered' }).waitFor();
  assert.ok((await run(page)).json.data.companies.edges.length > 0);
});

await step('from a lead to a deal: what one example made the next one takes', async () => {
  const next = async (name, taken = '') => {
    await button(page, `${name}, as rep@acme.test`).click();
    await page.getByRole('tab', { name: name.replace(/ (.)/g, (_, letter) => letter.toUpperCase()) }).waitFor();
    await until(
      () => text(page, 'variables'),
      (variables) => variables.includes(taken),
    );
    return (await run(page)).json.data;
  };
  const { lead } = (await next('Lead create')).leadCreate;
  assert.equal((await next('Lead work', lead.id)).again.lead.status, 'WORKING');
  const { deal } = (await next('Lead convert', lead.id)).leadConvert;
  assert.equal((await next('Deal move', deal.id)).dealMove.deal.stage.name, 'Needs');
  assert.ok((await next('Search')).search.some((hit) => /Ada/.test(hit.snippet)));
});

await step('what is still to be done is told, with a button for it', async () => {
  await example(page, 'mutation API client secret revoke').click();
  const told = page.locator('.notice');
  await until(
    () => told.innerText(),
    (told) => told.includes('$apiClientId and $apiSecretId') && told.includes('admin@acme.test'),
  );
  await told.getByRole('button', { name: 'Sign in as admin' }).click();
  await me(page, 'Adam Archer').waitFor();
});

await step('a dry run changes nothing', async () => {
  const count = async () => {
    await example(page, 'query Companies').click();
    return (await run(page)).json.data.companies.totalCount.value;
  };
  await signedInAs(page, 'Maya Miller');
  const before = await count();
  await page.getByRole('checkbox', { name: 'dry run' }).check();
  await example(page, 'mutation Company create').click();
  assert.deepEqual((await run(page)).json.data.companyCreate.userErrors, []);
  assert.equal(await count(), before);
  await page.getByRole('checkbox', { name: 'dry run' }).uncheck();
});

async function signedInAs(page, name) {
  await page.getByTitle('Sign in as somebody else').click();
  await page.getByRole('dialog').getByRole('button', { name }).click();
  await me(page, name).waitFor();
}

await step('the documentation is found by name', async () => {
  await button(page, 'Show Documentation Explorer').click();
  await page.locator('.graphiql-doc-explorer-search input').fill('signIn');
  await page
    .getByRole('option', { name: /signIn/ })
    .first()
    .click();
  await page.getByText('SessionPayload').first().waitFor();
});

await step('the explorer writes a question', async () => {
  await button(page, 'New tab').click();
  await button(page, 'Show GraphiQL Explorer').click();
  await page.locator('.graphiql-explorer-root').getByText('viewer', { exact: true }).click();
  await until(
    () => text(page, 'query'),
    (text) => text.includes('viewer'),
  );
});

await step('the history remembers what ran', async () => {
  await button(page, 'Show History').click();
  await page.locator('.graphiql-history-item-label', { hasText: 'CompanyCreate' }).first().waitFor();
  await button(page, 'Show Examples').click();
});

await step('a session is renewed before its token ends, and outlives a reload', async () => {
  const token = () => page.evaluate(() => JSON.parse(sessionStorage.getItem('kontor:session')).accessToken);
  const before = await token();
  await page.evaluate(() => {
    const kept = JSON.parse(sessionStorage.getItem('kontor:session'));
    sessionStorage.setItem('kontor:session', JSON.stringify({ ...kept, until: Date.now() }));
  });
  // A new token is another one a second later.
  await page.waitForTimeout(1100);
  await page.reload();
  await me(page, 'Maya Miller').waitFor();
  await page.locator('.graphiql-query-editor .view-line').first().waitFor();
  await until(token, (now) => now !== before);
  await example(page, 'query Companies').click();
  assert.equal((await run(page)).answer.status(), 200);
});

await step('a token that is refused is renewed once, and the question asked again', async () => {
  await page.evaluate(() => {
    const kept = JSON.parse(sessionStorage.getItem('kontor:session'));
    sessionStorage.setItem('kontor:session', JSON.stringify({ ...kept, accessToken: 'nonsense' }));
  });
  meant = /status of 401/;
  await page.reload();
  await page.locator('.graphiql-query-editor .view-line').first().waitFor();
  await until(
    () => page.evaluate(() => JSON.parse(sessionStorage.getItem('kontor:session'))?.accessToken),
    (token) => token !== 'nonsense',
  );
  assert.equal((await run(page)).answer.status(), 200);
});

/** A server's half of the protocol, for servers that have no subscriptions. */
function pretend(socket) {
  socket.onMessage((text) => {
    const { id, type, payload } = JSON.parse(text);
    const say = (message) => socket.send(JSON.stringify(message));
    if (type === 'connection_init') {
      if (/^Bearer \S+$/.test(payload?.authorization)) say({ type: 'connection_ack' });
      else socket.close({ code: 4403, reason: 'Forbidden' });
    }
    if (type === 'subscribe') {
      for (const recordId of ['company_1', 'company_2'])
        say({ id, type: 'next', payload: { data: { changes: { recordId } } } });
    }
  });
}

await step('a subscription shows what happens, until it is stopped', async () => {
  if (!options.subscription) await page.routeWebSocket('**/graphql/ws', pretend);
  await signedInAs(page, 'Maya Miller');
  await button(page, 'New tab').click();
  await button(page, 'Skip to the editor').press('Enter');
  await page.keyboard.insertText('subscription { changes(after: "0", first: 3, types: ["Company"]) { cursor type action recordId at } }');
  await page.getByRole('button', { name: /^Execute query/ }).click();
  const told = () => page.locator('.readout').innerText();
  await until(told, (told) => /socket\s+(open|complete)/.test(told) && /events\s+[1-9]/.test(told));
  await until(
    () => shown(page),
    // A long line is broken where it must be.
    (shown) => /"recordId":\s*"company_/.test(shown),
  );
  const stop = page.getByRole('button', { name: /^Stop query/ });
  if (await stop.isVisible()) await stop.click();
  await until(told, (told) => /socket\s+complete/.test(told));
});

await step('no script comes in with the page', async () => {
  meant = /Content Security Policy/;
  const ran = await page.evaluate(() => {
    const script = document.createElement('script');
    script.textContent = 'window.strange = true';
    document.body.append(script);
    return window.strange === true;
  });
  assert.equal(ran, false);
});

await step('who signs out is nobody again', async () => {
  meant = /status of 401/;
  await example(page, 'query Companies').click();
  await button(page, 'Sign out').click();
  await button(page, 'Sign in').waitFor();
  assert.equal((await run(page)).json.errors[0].extensions.code, 'UNAUTHENTICATED');
});

await step('a wrong password is told, a right one signs in', async () => {
  await button(page, 'Sign in').click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('With a password').click();
  await dialog.getByLabel('E-mail').fill('viewer@globex.test');
  await dialog.getByLabel('Password').fill('wrong');
  await dialog.getByRole('button', { name: 'Sign in' }).click();
  await dialog.getByRole('alert').waitFor();
  await dialog.getByLabel('Password').fill('kontor-demo');
  await dialog.getByLabel('Tenant').fill('globex');
  await dialog.getByRole('button', { name: 'Sign in' }).click();
  await page.locator('header').getByText('Viewer · Globex').waitFor();
  await page.context().close();
});

await step('the keyboard alone signs in and runs', async () => {
  const page = await open();
  const focus = async (name, key = 'Tab') => {
    for (let presses = 0; presses < 60; presses += 1) {
      const focused = await page.evaluate(() => {
        const { textContent, ariaLabel } = document.activeElement?.closest('button, a, summary') ?? {};
        return `${ariaLabel ?? textContent}`;
      });
      if (focused.includes(name)) return;
      await page.keyboard.press(key);
    }
    assert.fail(`the keyboard does not reach ${name}`);
  };
  await focus('Sign in');
  await page.keyboard.press('Enter');
  await focus('Ryan Reed');
  await page.keyboard.press('Enter');
  await me(page, 'Ryan Reed').waitFor();
  await focus('Sign out');
  await focus('Companies, as rep@acme.test');
  await page.keyboard.press('Enter');
  await focus('Skip to the editor', 'Shift+Tab');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Control+Enter');
  await page.locator('.readout .good', { hasText: '200' }).waitFor();
  await page.context().close();
});

const lightness = (page) =>
  page.evaluate(() => {
    const of = (selector) => {
      const [red, green, blue] = getComputedStyle(document.querySelector(selector))
        .backgroundColor.match(/[\d.]+/g)
        .map(Number);
      return (red + green + blue) / 3;
    };
    const editors = document.querySelector('.graphiql-query-editor .monaco-editor').classList;
    return [...['body', '.bar', '.graphiql-editors'].map(of), editors.contains('vs-dark') ? 0 : 255];
  });
const bright = (values) => values.every((value) => value > 200);
const dim = (values) => values.every((value) => value < 80);

await step('light and dark follow the system, and can be chosen', async () => {
  for (const [colorScheme, fits] of [
    ['light', bright],
    ['dark', dim],
  ]) {
    const page = await open({ colorScheme });
    await until(() => lightness(page), fits);
    const other = colorScheme === 'light' ? ['dark', bright, dim] : ['light', dim, bright];
    await page.emulateMedia({ colorScheme: other[0] });
    await until(() => lightness(page), other[2]);
    const theme = page.getByRole('button', { name: /^Colours:/ });
    await theme.click();
    await until(() => lightness(page), bright);
    await theme.click();
    await until(() => lightness(page), dim);
    await page.reload();
    await page.locator('.graphiql-query-editor .view-line').first().waitFor();
    await until(() => lightness(page), dim);
    await page.context().close();
  }
});

for (const [name, viewport] of [
  ['at phone width', PHONE],
  ['on a desk', DESK],
]) {
  await step(`${name} nothing overlaps, and everything is reached`, async () => {
    const page = await open({ viewport });
    const look = async (where) => assert.deepEqual(await page.evaluate(boxes), [], where);
    await look('signed out');
    await button(page, 'Sign in').click();
    await look('signing in');
    await page.getByRole('dialog').getByText('With a password').click();
    await look('with a password');
    await page.getByRole('dialog').getByRole('button', { name: 'Maya Miller' }).click();
    await button(page, 'Sign out').waitFor();
    await run(page);
    await look('with an answer');
    const tools = button(page, 'Show editor tools');
    if (await tools.isVisible()) await tools.click();
    await look('with variables');
    for (const plugin of ['Examples', 'Documentation Explorer', 'GraphiQL Explorer', 'History']) {
      const show = button(page, `Show ${plugin}`);
      if (await show.isVisible()) await show.click();
      await look(plugin);
    }
    await button(page, 'Show Examples').click();
    await example(page, 'mutation API client secret revoke').click();
    await page.getByRole('tab', { name: 'ApiClientSecretRevoke' }).waitFor();
    await page.locator('.notice').waitFor();
    await look('with a notice');
    await page.context().close();
    const welcome = await open({ viewport }, '/');
    assert.deepEqual(await welcome.evaluate(boxes), []);
    await welcome.context().close();
  });
}

if (options.screenshots) {
  for (const colorScheme of ['light', 'dark']) {
    const page = await open({ colorScheme, viewport: { width: 1440, height: 820 } });
    await signIn(page, 'Ryan Reed');
    await run(page);
    await page.mouse.move(700, 760);
    await page.waitForTimeout(800);
    await page.screenshot({ path: join(options.screenshots, `playground-${colorScheme}.png`) });
    await page.context().close();
  }
}

await browser.close();
console.log(`${passed} of ${all} steps`);
process.exitCode = passed === all ? 0 : 1;
