// The client: plain DOM; it uses the same HTTP API as any other client.

const $ = (id) => document.getElementById(id);
const tasks = { cursor: null };
const links = { cursor: null };

/*
 * Incremented when another user is shown, so that the response to a request of the
 * previous user is not shown to the next one.
 */
let visit = 0;

class ApiError extends Error {
  constructor(status, body, asked) {
    const fields = (body?.fields ?? []).map((f) => `${f.field}: ${f.message}`);
    const text = fields.join('; ') || body?.message || `The server answered ${status}.`;
    super(body?.code ? `${text} (${body.code})` : text);
    this.status = status;
    this.code = body?.code;
    this.asked = asked;
  }
}

async function api(method, path, body) {
  const asked = visit;
  let response;
  try {
    response = await fetch(path, {
      method,
      headers: body === undefined ? {} : { 'content-type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new ApiError(0, { message: 'The server cannot be reached.' }, asked);
  }
  const text = await response.text();
  let parsed = null;
  try {
    parsed = text === '' ? null : JSON.parse(text);
  } catch {
    throw new ApiError(response.status, null, asked);
  }
  if (!response.ok) throw new ApiError(response.status, parsed, asked);
  return parsed;
}

/* Loads data to be shown; the response is dropped if the user has changed meanwhile. */
async function load(path) {
  const asked = visit;
  const data = await api('GET', path);
  if (asked !== visit) throw new ApiError(0, null, asked);
  return data;
}

function element(tag, properties, ...children) {
  const e = Object.assign(document.createElement(tag), properties);
  e.append(...children);
  return e;
}

function say(message) {
  $('message').textContent = message ?? '';
  $('message').hidden = !message;
}

/* Runs one action of the user: meanwhile the button is disabled; errors are shown. */
async function act(button, action) {
  say(null);
  if (button) button.disabled = true;
  try {
    await action();
  } catch (error) {
    if (error instanceof ApiError && error.asked !== visit) return;
    if (error.status === 401 && !$('signed-in').hidden) showSignedOut();
    say(error.message);
  } finally {
    if (button) button.disabled = false;
  }
}

/* Removes everything of one user from the page before the next one is shown. */
function forget() {
  visit++;
  for (const id of ['who', 'me', 'tasks', 'accounts', 'links']) $(id).replaceChildren();
  for (const id of ['tasks-more', 'tasks-empty', 'links-more', 'links-empty']) $(id).hidden = true;
  tasks.cursor = links.cursor = null;
  for (const id of ['add-task', 'add-link']) $(id).reset();
}

function showSignedOut() {
  forget();
  for (const id of ['signed-in', 'sign-out', 'who']) $(id).hidden = true;
  $('signed-out').hidden = false;
  showForm('sign-in');
}

function showForm(id) {
  for (const form of ['sign-in', 'sign-up']) $(form).hidden = form !== id;
  $(id).querySelector('input').focus();
}

/*
 * Where ?next= leads, if that is on this origin.  The whole address is kept:
 * its path alone may begin with "//", and then names another host.
 */
function nextAddress() {
  const next = new URLSearchParams(location.search).get('next');
  if (!next) return null;
  try {
    const url = new URL(next, location.origin);
    return url.origin === location.origin ? url.href : null;
  } catch {
    return null;
  }
}

async function showSignedIn({ user, session }) {
  const next = nextAddress();
  if (next && next !== new URL('/', location.origin).href) {
    location.assign(next);
    return;
  }
  const asked = visit;
  const loads = await Promise.allSettled([loadMe(user, session), loadTasks(), loadAccounts(), loadLinks()]);
  if (asked !== visit) return;
  $('who').textContent = user.email;
  $('signed-out').hidden = true;
  for (const id of ['signed-in', 'sign-out', 'who']) $(id).hidden = false;
  for (const { reason } of loads) if (reason) throw reason;
}

async function loadMe(user, session) {
  const me = await load('/api/core/me');
  const until = new Date(session.expiresAt).toLocaleDateString(undefined, { dateStyle: 'medium' });
  const rows = {
    Name: me.displayName ?? user.name,
    Email: user.email,
    Role: user.role ?? 'user',
    'Time zone': me.timezone,
    Language: me.locale,
    'Session until': until,
  };
  $('me').replaceChildren(...Object.entries(rows).flatMap(([term, value]) => [
    element('dt', { textContent: term }), element('dd', { textContent: value })]));
}

async function loadTasks(cursor = null) {
  const query = new URLSearchParams({ limit: 50, ...(cursor && { cursor }) });
  const page = await load(`/api/core/tasks?${query}`);
  if (!cursor) $('tasks').replaceChildren();
  $('tasks').append(...page.items.map(taskRow));
  tasks.cursor = page.nextCursor;
  $('tasks-more').hidden = !tasks.cursor;
  $('tasks-empty').hidden = $('tasks').children.length > 0;
}

function taskRow(task) {
  const box = element('input', { type: 'checkbox', checked: task.status === 'done' });
  const remove = element('button', { type: 'button', className: 'quiet', textContent: 'Delete' });
  const row = element('li', { className: task.status },
    element('label', { className: 'title' }, box, ' ', element('span', { textContent: task.title })), remove);

  remove.setAttribute('aria-label', `Delete ${task.title}`);
  box.addEventListener('change', () => act(box, async () => {
    const status = box.checked ? 'done' : 'open';
    try {
      await api('PATCH', `/api/core/tasks/${task.id}`, { status });
      row.className = status;
    } catch (error) {
      box.checked = !box.checked;
      throw error;
    }
  }));
  remove.addEventListener('click', () => act(remove, async () => {
    await api('DELETE', `/api/core/tasks/${task.id}`);
    await loadTasks();
  }));
  return row;
}

async function loadAccounts() {
  const [{ items }, { items: currencies }] = await Promise.all([
    load('/api/wallet/accounts'), load('/api/wallet/currencies')]);
  const exponents = new Map(currencies.map((currency) => [currency.code, currency.exponent]));
  $('accounts').replaceChildren(...items.map((account) => element('li', {},
    element('span', { className: 'title', textContent: account.currency }),
    element('span', {
      className: 'amount',
      textContent: money(account.available, exponents.get(account.currency) ?? 0),
    }))));
}

/*
 * Formats minor units, with as many decimals as the wallet's currency has.  The
 * browser's own list of currencies is not used: it has other decimals for some, and
 * refuses codes that do not have three letters.  The browser gets the number as text,
 * which is exact; a binary fraction is not.
 */
function money(minor, exponent) {
  const digits = String(Math.abs(minor)).padStart(exponent + 1, '0');
  const point = digits.length - exponent;
  const format = new Intl.NumberFormat(undefined, {
    useGrouping: 'min2', minimumFractionDigits: exponent, maximumFractionDigits: exponent });
  return format.format(`${minor < 0 ? '-' : ''}${digits.slice(0, point)}.${digits.slice(point)}`);
}

/* A host without the service links shows everything but its card. */
async function loadLinks(cursor = null) {
  const query = new URLSearchParams({ limit: 20, ...(cursor && { cursor }) });
  let page;
  try {
    page = await load(`/api/links/links?${query}`);
  } catch (error) {
    if (error.status !== 404) throw error;
    $('links-card').hidden = true;
    return;
  }
  $('links-card').hidden = false;
  if (!cursor) $('links').replaceChildren();
  $('links').append(...page.items.map(linkRow));
  links.cursor = page.nextCursor;
  $('links-more').hidden = !links.cursor;
  $('links-empty').hidden = $('links').children.length > 0;
}

function linkRow(link) {
  const button = (textContent) => {
    const b = element('button', { type: 'button', className: 'quiet', textContent });
    b.setAttribute('aria-label', `${textContent} ${link.slug}`);
    return b;
  };
  const [copy, qr, stats, remove] = ['Copy', 'QR', 'Clicks', 'Delete'].map(button);
  const more = element('div', { className: 'more', hidden: true });
  const row = element('li', { className: link.enabled ? 'linked' : 'linked done' },
    element('span', { className: 'title' },
      element('a', { href: link.url, textContent: link.url.replace(/^https?:\/\//, ''), rel: 'noreferrer' }),
      element('small', { className: 'muted', textContent: link.target })),
    element('span', { className: 'amount', textContent: link.clicks, title: 'Clicks' }),
    copy, qr, stats, remove, more);

  /* Shows what the button is about, or hides it when it is shown already. */
  const toggle = async (of, make) => {
    if (more.dataset.of === of && !more.hidden) {
      more.hidden = true;
      return;
    }
    more.replaceChildren(...await make());
    more.dataset.of = of;
    more.hidden = false;
  };
  copy.addEventListener('click', () => act(copy, () => navigator.clipboard.writeText(link.url)));
  qr.addEventListener('click', () => act(qr, () => toggle('qr', async () => {
    const image = `/api/links/links/${link.id}/qr`;
    return [
      element('img', { src: image, alt: `QR code of ${link.url}`, width: 200, height: 200 }),
      element('a', { href: `${image}?format=png&scale=16`, download: `${link.slug}.png`, textContent: 'PNG' }),
    ];
  })));
  stats.addEventListener('click', () => act(stats, () => toggle('stats', async () => {
    const sums = await load(`/api/links/links/${link.id}/stats`);
    const list = (rows, name) => rows.slice(0, 5).map((r) => `${r[name]}: ${r.clicks}`).join(', ') || '–';
    const rows = {
      'Last 30 days': `${sums.clicks}, of these ${sums.bots} by bots`,
      Days: list(sums.days.slice(-5).reverse(), 'day'),
      From: list(sums.referrers, 'referrer'),
      With: list(sums.agents, 'agent'),
    };
    return [element('dl', {}, ...Object.entries(rows).flatMap(([term, value]) => [
      element('dt', { textContent: term }), element('dd', { textContent: value })]))];
  })));
  remove.addEventListener('click', () => act(remove, async () => {
    await api('DELETE', `/api/links/links/${link.id}`);
    await loadLinks();
  }));
  return row;
}

/*
 * The message of a sign-in by redirection that failed: auth redirects to
 * /?error=CODE&error_description=TEXT.  Anybody can write such an address, so the text
 * is shown as plain text, shortened, and marked as coming from the address; and it is
 * removed from the address.
 */
function takeError() {
  const query = new URLSearchParams(location.search);
  const code = query.get('error');
  if (code === null) return null;
  const text = query.get('error_description');
  for (const name of ['error', 'error_description', 'state']) query.delete(name);
  const rest = query.toString();
  history.replaceState(null, '', location.pathname + (rest ? `?${rest}` : ''));
  const known = /^[A-Za-z0-9_'-]{1,64}$/.test(code) ? code : 'UNKNOWN';
  const said = text ? ` The address says: \u201c${text.slice(0, 200)}\u201d` : '';
  return `Signing in did not work (${known}).${said}`;
}

function onSubmit(id, submit) {
  $(id).addEventListener('submit', (event) => {
    event.preventDefault();
    const form = event.currentTarget;
    act(form.querySelector('button[type=submit]'), () => submit(new FormData(form), form));
  });
}

onSubmit('sign-in', async (data, form) => {
  await api('POST', '/api/auth/sign-in/email', {
    email: data.get('email'),
    password: data.get('password'),
    rememberMe: data.has('rememberMe'),
  });
  form.reset();
  await start();
});

onSubmit('sign-up', async (data, form) => {
  await api('POST', '/api/auth/sign-up/email', {
    name: data.get('name'), email: data.get('email'), password: data.get('password'),
  });
  form.reset();
  await start();
});

onSubmit('add-task', async (data, form) => {
  await api('POST', '/api/core/tasks', { title: data.get('title') });
  form.reset();
  await loadTasks();
});

onSubmit('add-link', async (data, form) => {
  await api('POST', '/api/links/links', { target: data.get('target'), slug: data.get('slug') || null });
  form.reset();
  await loadLinks();
});

$('sign-out').addEventListener('click', () => act($('sign-out'), async () => {
  await api('POST', '/api/auth/sign-out', {});
  showSignedOut();
}));
$('tasks-more').addEventListener('click', () => act($('tasks-more'), () => loadTasks(tasks.cursor)));
$('links-more').addEventListener('click', () => act($('links-more'), () => loadLinks(links.cursor)));
for (const link of document.querySelectorAll('[data-show]'))
  link.addEventListener('click', () => { say(null); showForm(link.dataset.show); });

async function start() {
  forget();
  const current = await load('/api/auth/get-session');
  if (current) await showSignedIn(current);
  else showSignedOut();
}

const failure = takeError();
act(null, start).then(() => {
  if (failure && $('message').hidden) say(failure);
  if ($('signed-in').hidden && $('signed-out').hidden) showSignedOut();
});
