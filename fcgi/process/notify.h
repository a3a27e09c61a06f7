/*
 * notify: reports the state of the service to systemd (sd_notify(3)): ready,
 * reloading, stopping, alive.  Without the environment variable NOTIFY_SOCKET
 * the functions do nothing.  Only this module uses libsystemd.
 */
#ifndef PROCESS_NOTIFY_H
#define PROCESS_NOTIFY_H

#include <stdint.h>

/* `status` is the text that `systemctl status` shows. */
void notify_ready(const char *status);
void notify_status(const char *status);
/* The service counts as reloading until the next notify_ready(). */
void notify_reloading(void);
void notify_stopping(void);

/*
 * Returns the interval of systemd's watchdog; 0 when there is no watchdog for
 * this process.
 */
int64_t notify_watchdog_us(void);
void notify_alive(void);

/* To be called in a child process, which must not report to systemd. */
void notify_forget(void);

#endif
