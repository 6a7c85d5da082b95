from vllm import LLM

print(LLM("small").generate("hello"))
