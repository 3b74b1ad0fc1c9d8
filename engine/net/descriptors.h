// File descriptors: every connection is one, every open file of the store, too. Senders must not be able to
// use them up: a store that can't open its next file takes no more messages.
#pragma once

namespace hilum::net {

// As many as this process may ever have (the hard limit). The usual soft limit of 1024 is for programs that
// use select().
void use_all_descriptors();

// Whether a listener may take another one, and leave enough to the store, destinations and the admin port.
// `open` is any that is open.
bool descriptors_to_spare(int open);

}  // namespace hilum::net
