// The page: who is signed in, their tasks, their accounts.
import { ApiError, auth, authAnswer, call, money } from './api.js';

/** @param {string} id @returns {any} */
const $ = (id) => document.getElementById(id);

/** @param {string} tag @param {object} properties @param {...(Node | string)} children */
function element(tag, properties, ...children) {
	const e = Object.assign(document.createElement(tag), properties);
	e.append(...children);
	return e;
}

/** @param {string} text */
function alertUser(text) {
	$('alert').textContent = text;
	$('alert').hidden = !text;
}

/**
 * Does what the user has asked for, once at a time for each button, and shows an error.
 * @param {HTMLElement | null} button
 * @param {() => Promise<unknown>} action
 */
async function act(button, action) {
	if (button?.ariaBusy === 'true') return;
	alertUser('');
	if (button) button.ariaBusy = 'true';
	try {
		await action();
	} catch (error) {
		if (!(error instanceof ApiError)) throw error;
		if (error.code === 'UNAUTHENTICATED') show(null); // the session has ended
		alertUser(`${error.message} (${error.code})`);
	} finally {
		if (button) button.ariaBusy = 'false';
	}
}

/** @param {{ name: string, email: string } | null} user */
function show(user) {
	$('who').textContent = user?.email ?? '';
	$('hello').textContent = `Hello, ${user?.name}`;
	$('signed-in').hidden = $('sign-out').hidden = !user;
	$('signed-out').hidden = Boolean(user);
	$('tasks').replaceChildren();
	$('accounts').replaceChildren();
	if (!user) showForm('sign-in');
}

/** @param {string} id */
function showForm(id) {
	for (const form of ['sign-in', 'sign-up']) $(form).hidden = form !== id;
	$(id).querySelector('input').focus();
}

async function start() {
	const session = await authAnswer(auth.getSession());
	show(session?.user ?? null);
	if (session) await Promise.all([loadTasks(), loadAccounts()]);
}

// ---- tasks ----------------------------------------------------------------------------

/** @type {string | null} */
let next = null;

/** @param {string | null} cursor */
async function loadTasks(cursor = null) {
	const query = new URLSearchParams({ limit: '20', ...(cursor && { cursor }) });
	/** @type {import('./api.js').Core['TaskPage']} */
	const page = await call('GET', `/api/core/tasks?${query}`);
	if (!cursor) $('tasks').replaceChildren();
	$('tasks').append(...page.items.map(taskRow));
	next = page.nextCursor;
	$('more-tasks').hidden = !next;
	$('no-tasks').hidden = $('tasks').children.length > 0;
}

/** @param {import('./api.js').Core['Task']} task */
function taskRow(task) {
	const box = /** @type {HTMLInputElement} */ (element('input', { type: 'checkbox', checked: task.status === 'done' }));
	const row = element('li', { className: task.status },
		element('label', {}, box, element('span', { textContent: task.title })));
	box.addEventListener('change', () => act(box, async () => {
		try {
			const status = box.checked ? 'done' : 'open';
			row.className = (await call('PATCH', `/api/core/tasks/${task.id}`, { status })).status;
		} catch (error) {
			box.checked = !box.checked;
			throw error;
		}
	}));
	return row;
}

// ---- wallet ---------------------------------------------------------------------------

async function loadAccounts() {
	/** @type {[import('./api.js').Wallet['AccountPage'], import('./api.js').Wallet['CurrencyList']]} */
	const [accounts, currencies] = await Promise.all([
		call('GET', '/api/wallet/accounts'), call('GET', '/api/wallet/currencies')]);
	const exponents = new Map(currencies.items.map((c) => [c.code, c.exponent]));
	$('accounts').replaceChildren(...accounts.items.map((account) => element('li', {},
		element('span', { textContent: `${account.name}, ${account.currency}` }),
		element('span', {
			className: 'amount',
			textContent: money(account.available, exponents.get(account.currency) ?? 0),
		}))));
}

// ---- what the user does -----------------------------------------------------------------

/** @param {string} id @param {(data: Record<string, any>) => Promise<unknown>} action */
function onSubmit(id, action) {
	$(id).addEventListener('submit', (/** @type {SubmitEvent} */ event) => {
		event.preventDefault();
		act($(id).querySelector('button'), async () => {
			await action(Object.fromEntries(new FormData($(id))));
			$(id).reset();
		});
	});
}

onSubmit('sign-in', async ({ email, password }) => {
	await authAnswer(auth.signIn.email({ email, password }));
	await start();
});
onSubmit('sign-up', async ({ name, email, password }) => {
	await authAnswer(auth.signUp.email({ name, email, password }));
	await start();
});
onSubmit('add-task', async ({ title }) => {
	await call('POST', '/api/core/tasks', { title });
	await loadTasks();
});
$('sign-out').addEventListener('click', () => act($('sign-out'), async () => {
	await authAnswer(auth.signOut());
	show(null);
}));
$('more-tasks').addEventListener('click', () => act($('more-tasks'), () => loadTasks(next)));
for (const link of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll('[data-show]')))
	link.addEventListener('click', () => { alertUser(''); showForm(link.dataset.show ?? ''); });

act(null, start);
