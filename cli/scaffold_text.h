/*
 * scaffold_text: inserts rows into files that people edit, and removes them
 * again. Everything else in the file stays as it is.
 */
#ifndef CLI_SCAFFOLD_TEXT_H
#define CLI_SCAFFOLD_TEXT_H

#include <stddef.h>

struct arena;

/*
 * Inserts `row` before the first line that is `end`, after the first line that
 * begins with `begin`. NULL: there are no such lines.
 */
const char *text_insert_row(struct arena *a, const char *text,
    const char *begin, const char *end, const char *row);
/*
 * Inserts a line `#include "file"` in the order of the alphabet among those
 * lines with quotes. NULL: there are no such lines.
 */
const char *
text_insert_include(struct arena *a, const char *text, const char *file);

/*
 * Inserts a section of a Markdown page, which begins with its heading, after
 * the section "## after", or at the end if there is no such section.
 */
const char *text_insert_section(
    struct arena *a, const char *text, const char *after, const char *section);
/*
 * Like text_insert_section(), but before the section "## before", or at the end
 * if there is no such section.
 */
const char *text_insert_section_before(
    struct arena *a, const char *text, const char *before, const char *section);
/*
 * Inserts `more` at the end of the section "## name". NULL: there is no such
 * section.
 */
const char *text_append_to_section(
    struct arena *a, const char *text, const char *name, const char *more);
/* Removes the section "## name" if there is one. */
const char *
text_remove_section(struct arena *a, const char *text, const char *name);

/* Removes the lines that begin with `prefix`. */
const char *
text_remove_lines(struct arena *a, const char *text, const char *prefix);

/*
 * Inserts a service into the text of a kedge.json, after the last one. Each
 * line of `row` gets the indentation of the services before it. The text must
 * be valid. NULL: it has no services.
 */
const char *
text_insert_service(struct arena *a, const char *text, const char *row);
/* Removes the service with that index, which must exist. */
const char *text_remove_service(struct arena *a, const char *text, int index);

#endif
