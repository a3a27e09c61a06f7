import { useEffect, useState } from 'react';
import type { Act } from './App';
import { answer, api, money, type Account } from './api';

export function Wallet({ act }: { act: Act }) {
	const [accounts, setAccounts] = useState<Account[]>([]);
	const [exponents, setExponents] = useState(new Map<string, number>());

	useEffect(() => {
		act(async () => {
			const [accounts, currencies] = await Promise.all([
				answer(api.GET('/api/wallet/accounts')), answer(api.GET('/api/wallet/currencies'))]);
			setExponents(new Map(currencies.items.map((c) => [c.code, c.exponent])));
			setAccounts(accounts.items);
		});
	}, [act]);

	return (
		<section className="card" aria-labelledby="wallet-title">
			<h2 id="wallet-title">Wallet</h2>
			<ul>{accounts.map((account) => (
				<li key={account.id}>
					<span>{account.name}, {account.currency}</span>
					<span className="amount">{money(account.available, exponents.get(account.currency) ?? 0)}</span>
				</li>
			))}</ul>
		</section>
	);
}
