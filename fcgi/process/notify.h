/*
 * notify: what the master tells systemd (sd_notify(3)): that the service is
 * ready, reloads, stops, and that it is alive.  Without NOTIFY_SOCKET all of it
 * does nothing.  The one place that names libsystemd.
 */
#ifndef PROCESS_NOTIFY_H
#define PROCESS_NOTIFY_H

#include <stdint.h>

/* For `systemctl status`; the last word, with whatever is told besides. */
void notify_ready(const char *status);
void notify_status(const char *status);
/* From now until the next notify_ready(). */
void notify_reloading(void);
void notify_stopping(void);

/* WATCHDOG_USEC, when it is for this process; 0: nobody watches. */
int64_t notify_watchdog_us(void);
void notify_alive(void);

/* In a child: it speaks for nobody. */
void notify_forget(void);

#endif
