#include "auth/identity/password_prompt.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/attr.h"

/*
 * The signals that a terminal sends or that end the process: on each of them
 * the terminal's echo must be switched on again.
 */
static const int signals[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP,
	SIGTTIN, SIGTTOU };

enum { NSIGNALS = COUNT_OF(signals) };

static volatile sig_atomic_t caught; /* 0: none */

static void
note(int signal)
{
	caught = signal;
}

static void
catch_signals(struct sigaction before[NSIGNALS])
{
	struct sigaction action = { .sa_handler = note };

	sigemptyset(&action.sa_mask);
	/* Without SA_RESTART: read() ends when a signal comes. */
	for (size_t i = 0; i < NSIGNALS; i++) {
		sigaction(signals[i], /* act= */ NULL, &before[i]);
		if (before[i].sa_handler != SIG_IGN)
			sigaction(signals[i], &action, NULL);
	}
}

static void
restore_signals(const struct sigaction before[NSIGNALS])
{
	for (size_t i = 0; i < NSIGNALS; i++)
		sigaction(signals[i], &before[i], /* oldact= */ NULL);
}

static void
say(const char *text)
{
	(void)!write(STDERR_FILENO, text, strlen(text));
}

/* Reads until the end of the line, or until a signal comes. */
static bool
read_line(char *out, size_t size)
{
	size_t len = 0;
	bool fits = true;
	ssize_t n;
	char c;

	while (caught == 0) {
		n = read(STDIN_FILENO, &c, 1);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0 && len == 0)
			return false;
		if (n <= 0 || c == '\n')
			break;
		fits = fits && len < size - 1;
		if (fits)
			out[len++] = c;
	}
	out[len] = '\0';
	return fits;
}

/*
 * Asks once, with the terminal's echo switched off. Sets `caught` to a signal
 * that has come meanwhile.
 */
static bool
ask(const char *prompt, char *out, size_t size)
{
	struct sigaction before[NSIGNALS];
	struct termios shown, hidden;
	bool ok = false;

	caught = 0;
	if (tcgetattr(STDIN_FILENO, &shown) != 0)
		return false;
	hidden = shown;
	hidden.c_lflag &= ~(tcflag_t)ECHO;
	catch_signals(before);
	/*
	 * Discard what was typed before the question was printed: it is not the
	 * answer.
	 */
	if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden) == 0) {
		say(prompt);
		ok = read_line(out, size);
		say("\n");
	}
	/*
	 * A process in the background gets SIGTTOU for this call; the handler
	 * of the signal keeps it from being stopped.
	 */
	while (tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown) == -1 &&
	       errno == EINTR && caught != SIGTTOU)
		continue;
	restore_signals(before);
	return ok;
}

bool
password_prompt(const char *prompt, char *out, size_t size)
{
	bool ok;

	for (;;) {
		ok = ask(prompt, out, size);
		if (caught == 0)
			return ok;
		explicit_bzero(out, size);
		/* Ends the process, or stops it until SIGCONT. */
		(void)raise(caught);
	}
}
