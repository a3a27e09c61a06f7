/* memory: how a process that serves gives memory back to the system. */
#ifndef FASTCGI_MEMORY_H
#define FASTCGI_MEMORY_H

/* Sets up malloc for requests; before the first thread starts. */
void memory_configure(void);

#endif
