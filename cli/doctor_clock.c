#include "doctor.h"

#include <sys/timex.h>

/*
 * Assertions are valid for seconds, and a write asks twice when clocks differ
 * (docs/ARCHITECTURE.md), so the clock must be synchronised.
 */
void
doctor_clock(struct doctor *d)
{
	struct timex t = { 0 };

	if (adjtimex(&t) != TIME_ERROR && (t.status & STA_UNSYNC) == 0)
		return;
	/* On a single machine, all of Kedge's processes have the same clock. */
	doctor_add(d, d->site.is_server ? SEVERITY_WARNING : SEVERITY_NOTE,
	    "install chrony or enable systemd-timesyncd",
	    "the clock of this host is not synchronised by NTP");
}
