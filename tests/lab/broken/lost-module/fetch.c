#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <curl/curl.h>

static PyObject *version(PyObject *self, PyObject *args) { return PyUnicode_FromString(curl_version()); }

static PyMethodDef methods[] = {{"version", version, METH_NOARGS, NULL}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_fetch", NULL, -1, methods};

PyMODINIT_FUNC PyInit__fetch(void) { return PyModule_Create(&module); }
