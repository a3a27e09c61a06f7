import { useState, type FormEvent } from 'react';
import type { Act } from './App';
import { auth, authAnswer } from './api';

export function SignIn({ act }: { act: Act }) {
	const [isNew, setIsNew] = useState(false);
	const [busy, setBusy] = useState(false);

	async function submit(event: FormEvent<HTMLFormElement>) {
		event.preventDefault();
		if (busy) return;
		const { name, email, password } = Object.fromEntries(
			new FormData(event.currentTarget)) as Record<string, string>;
		setBusy(true);
		await act(() => authAnswer<unknown>(isNew
			? auth.signUp.email({ name, email, password })
			: auth.signIn.email({ email, password })));
		setBusy(false);
	}

	return (
		<section className="card narrow">
			<form onSubmit={submit}>
				<h1>{isNew ? 'Create an account' : 'Sign in'}</h1>
				<p className="muted">{isNew ? 'It takes a name, an email and a password.' : 'Welcome back.'}</p>
				{isNew && <label className="field">Name <input name="name" autoComplete="name" maxLength={100} required
					autoFocus /></label>}
				<label className="field">Email <input name="email" type="email" autoComplete="username" required
					autoFocus={!isNew} /></label>
				<label className="field">{isNew ? 'Password, at least 8 characters' : 'Password'}
					<input name="password" type="password" autoComplete={isNew ? 'new-password' : 'current-password'}
						minLength={isNew ? 8 : undefined} required /></label>
				<button className="wide" aria-busy={busy}>{isNew ? 'Sign up' : 'Sign in'}</button>
				<span className="muted">{isNew ? 'Have an account?' : 'New here?'}{' '}
					<button type="button" className="link" onClick={() => setIsNew(!isNew)}>
						{isNew ? 'Sign in' : 'Create an account'}</button></span>
			</form>
		</section>
	);
}
