run ->(env) { [200, {}, [`pdftotext -v 2>&1`]] }
