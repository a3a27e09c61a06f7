/*
 * generated: files that "kedge render" owns as a whole. Their first line is a
 * mark: where the file comes from, where a person's additions belong, and the
 * SHA-256 of the rest, by which an edited file is recognised.
 *
 * A file without the mark is somebody else's: it is never overwritten and never
 * removed.
 */
#ifndef CLI_GENERATED_H
#define CLI_GENERATED_H

#include <stdbool.h>
#include <stddef.h>

struct arena;

enum generated_state {
	GENERATED_ABSENT,
	GENERATED_OURS, /* as it was written */
	GENERATED_EDITED, /* it has the mark, and was changed since */
	GENERATED_FOREIGN, /* it has no mark, or cannot be read */
};

/*
 * Returns the text with the mark before it. `source` is the file that it was
 * made from, `additions` says where additions belong.
 */
const char *generated_text(struct arena *a, const char *text,
    const char *source, const char *additions);
/*
 * Looks at a file. If it was written by generated_text(), *ret_additions says
 * where additions belong; otherwise it is "".
 */
enum generated_state
generated_look(struct arena *a, const char *path, const char **ret_additions);

#endif
