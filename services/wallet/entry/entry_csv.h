/*
 * entry_csv: the entries of an account as CSV (RFC 4180), page by page.
 *
 * A memo may have been written by another user, and spreadsheets execute a cell
 * that begins with "=", "+", "-" or "@": such a memo gets an apostrophe in
 * front.
 */
#ifndef WALLET_ENTRY_CSV_H
#define WALLET_ENTRY_CSV_H

#include "wallet/entry/entry_store.h"

struct buf;
struct req;

/* Appends the entry as one line of CSV. */
void entry_csv_write(struct buf *b, const struct entry *entry);
/*
 * Answers the request with all entries that `page` selects, ignoring its limit.
 * ERR_RATE_LIMITED: too many responses of this kind are being sent.
 */
MUST_CHECK enum err
entry_csv_answer(struct req *r, const struct entry_page *page);

#endif
