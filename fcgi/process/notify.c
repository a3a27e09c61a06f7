#include "process/notify.h"

#include <stdlib.h>

#include <systemd/sd-daemon.h>

#include "base/clock.h"

void
notify_ready(const char *status)
{
	sd_notifyf(0, "READY=1\nSTATUS=%s", status);
}

void
notify_status(const char *status)
{
	sd_notifyf(0, "STATUS=%s", status);
}

void
notify_reloading(void)
{
	/* systemd's Type=notify-reload requires the time of CLOCK_MONOTONIC. */
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld\nSTATUS=reloading",
	    (long long)clock_monotonic_us());
}

void
notify_stopping(void)
{
	sd_notify(0, "STOPPING=1\nSTATUS=draining");
}

int64_t
notify_watchdog_us(void)
{
	uint64_t us = 0;

	if (sd_watchdog_enabled(0, &us) <= 0 || us > INT64_MAX / 2)
		return 0;
	return (int64_t)us;
}

void
notify_alive(void)
{
	sd_notify(0, "WATCHDOG=1");
}

void
notify_forget(void)
{
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_PID");
	unsetenv("WATCHDOG_USEC");
}
