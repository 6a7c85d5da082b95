import json

from django.http import JsonResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt

from .models import Post


def index(request):
    return render(request, "blog/index.html", {"posts": Post.objects.all()})


@csrf_exempt
def posts(request):
    if request.method == "POST":
        post = Post.objects.create(title=json.loads(request.body)["title"])
        return JsonResponse({"id": post.id}, status=201)
    return JsonResponse({"count": Post.objects.count()})
