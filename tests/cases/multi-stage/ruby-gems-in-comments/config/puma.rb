# Puma
