#include "base/secret.hpp"

#include <openssl/crypto.h>

namespace postern {

void wipe(void* octets, std::size_t size) noexcept
{
    if (size != 0) OPENSSL_cleanse(octets, size);
}

}  // namespace postern
