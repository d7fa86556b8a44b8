// Loaded before OpenSMTPD 6.8.0p2, so that its TLS works with OpenSSL 3.
//
// Its processes that speak to the network have no private key: they take the public one out of the certificate, write on it
// which key is meant, and have an RSA method of their own ask the process that keeps the keys. OpenSSL 3 hands them a copy
// of a key that lives in a provider. What is written on the copy the provider never sees, so it signs by itself with a key
// that has no private half ("missing private key", "EVP lib"), be it RSA or EC and whichever version of TLS. A key that
// is made from the copy lives in no provider, and is asked for its method as it was before.
#define _GNU_SOURCE
#define OPENSSL_SUPPRESS_DEPRECATED
#include <dlfcn.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

EVP_PKEY* X509_get_pubkey(X509* certificate)
{
    EVP_PKEY* (*usual)(X509*) = (EVP_PKEY * (*)(X509*)) dlsym(RTLD_NEXT, "X509_get_pubkey");
    EVP_PKEY* const key = usual(certificate);
    if (key == NULL || EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA) return key;
    EVP_PKEY* const own = EVP_PKEY_new();
    if (own != NULL) EVP_PKEY_assign_RSA(own, EVP_PKEY_get1_RSA(key));
    EVP_PKEY_free(key);
    return own;
}
