"""The keys that encrypt columns, and their rotation."""

from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from euryale.framework.data.errors import EncryptionError
from euryale.kit.secret import Secret


class KeyRing:
    """Encrypts with its first key and decrypts with any of them (AES-128-CBC with HMAC-SHA256: Fernet).

    To rotate: put a new key first, restart, run :func:`~euryale.framework.data.reencrypt`, drop the old key.

    Args:
        keys: Keys as :meth:`new_key` makes them, the one to encrypt with first.

    Raises:
        EncryptionError: If there is none, or one is not a key.
    """

    def __init__(self, keys: Sequence[Secret]) -> None:
        if not keys:
            raise EncryptionError("a key ring needs at least one key", hint="Make one with KeyRing.new_key().")
        try:
            self._fernet = MultiFernet([Fernet(key.reveal()) for key in keys])
        except ValueError:
            # the cause is left out: it may quote the key
            raise EncryptionError(
                "an encryption key is not 32 bytes in URL-safe base64", hint="Make one with KeyRing.new_key()."
            ) from None

    @staticmethod
    def new_key() -> Secret:
        """Return a new random key."""
        return Secret(Fernet.generate_key().decode())

    def encrypt(self, plain: Secret) -> str:
        """Return the value under the first key; twice the same value gives two different texts."""
        return self._fernet.encrypt(plain.reveal().encode()).decode()

    def decrypt(self, stored: str) -> Secret:
        """Return the value that was encrypted under any of the keys.

        Raises:
            EncryptionError: If it was encrypted under none of them, or was changed since.
        """
        try:
            return Secret(self._fernet.decrypt(stored.encode()).decode())
        except InvalidToken as error:
            raise EncryptionError("a stored secret was encrypted under none of the keys of the ring") from error
