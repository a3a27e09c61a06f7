import { useCallback, useEffect, useState, type FormEvent } from 'react';
import type { Act } from './App';
import { answer, api, type Task } from './api';

export function Tasks({ act }: { act: Act }) {
	const [tasks, setTasks] = useState<Task[]>();
	const [next, setNext] = useState<string | null>(null);
	const [busy, setBusy] = useState(false);

	const load = useCallback(async (cursor?: string) => {
		const page = await answer(api.GET('/api/core/tasks', { params: { query: { limit: 20, cursor } } }));
		setTasks((before = []) => cursor ? [...before, ...page.items] : page.items);
		setNext(page.nextCursor);
	}, []);
	useEffect(() => { act(load); }, [act, load]);

	async function add(event: FormEvent<HTMLFormElement>) {
		event.preventDefault();
		if (busy) return;
		const form = event.currentTarget;
		const title = String(new FormData(form).get('title'));
		setBusy(true);
		if (await act(async () => {
			await answer(api.POST('/api/core/tasks', { body: { title } }));
			await load();
		})) form.reset();
		setBusy(false);
	}

	// Shows the change at once, and takes it back if the server refuses it.
	async function change(task: Task, status: Task['status']) {
		const replace = (by: Task) => setTasks((before) => before?.map((t) => t.id === by.id ? by : t));
		replace({ ...task, status });
		const changed = await act(() => answer(api.PATCH('/api/core/tasks/{id}', {
			params: { path: { id: task.id } }, body: { status } })));
		if (!changed) replace(task);
	}

	return (
		<section className="card" aria-labelledby="tasks-title">
			<h2 id="tasks-title">Tasks</h2>
			<form className="row" onSubmit={add}>
				<label className="field">New task <input name="title" maxLength={200} autoComplete="off" required /></label>
				<button aria-busy={busy}>Add</button>
			</form>
			{tasks?.length === 0 && <p className="muted">Nothing to do yet.</p>}
			<ul>{tasks?.map((task) => (
				<li key={task.id} className={task.status}>
					<label>
						<input type="checkbox" checked={task.status === 'done'}
							onChange={(event) => change(task, event.target.checked ? 'done' : 'open')} />
						<span>{task.title}</span>
					</label>
				</li>
			))}</ul>
			{next && <button className="quiet" onClick={() => act(() => load(next))}>More</button>}
		</section>
	);
}
