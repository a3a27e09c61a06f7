/*
 * entry_csv: the entries of an account as CSV (RFC 4180), page by page.
 *
 * A memo is text of another user, and spreadsheets execute text that begins
 * with "=", "+", "-" or "@": such text gets an apostrophe in front.
 */
#ifndef WALLET_ENTRY_CSV_H
#define WALLET_ENTRY_CSV_H

#include "wallet/entry/entry_store.h"

struct buf;
struct req;

/* Appends one line. */
void entry_csv_write(struct buf *b, const struct entry *entry);
/*
 * Answers with all entries that the page selects, ignoring its limit.
 * ERR_RATE_LIMITED: too many such responses are being sent.
 */
MUST_CHECK enum err
entry_csv_answer(struct req *r, const struct entry_page *page);

#endif
