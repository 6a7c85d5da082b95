#define PY_SSIZE_T_CLEAN
#include <Python.h>

static PyObject *steps(PyObject *self, PyObject *args) {
    double x, y, a = 0, b = 0;
    int n = 0;
    if (!PyArg_ParseTuple(args, "dd", &x, &y)) return NULL;
    while (n < 50 && a * a + b * b < 4) {
        double t = a * a - b * b + x;
        b = 2 * a * b + y;
        a = t;
        n++;
    }
    return PyLong_FromLong(n);
}

static PyMethodDef methods[] = {{"steps", steps, METH_VARARGS, NULL}, {NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_core", NULL, -1, methods};
PyMODINIT_FUNC PyInit__core(void) { return PyModule_Create(&module); }
