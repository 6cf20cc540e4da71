"""The architectures: one file a network or family, each with its records and its builders. Imports no framework.

    from zoo.models import lenet
    model = lenet(input_shape=(28, 28, 1))        # a plain, uncompiled keras.Model

A builder's knobs are keyword arguments that all have defaults; without any it gives the network whose
parameter count stands in its record. `input_shape` is one example without the batch axis; `num_classes` and
`classifier_activation` make the output layer: `num_classes` softmax units, one "sigmoid" unit for two classes,
one "linear" unit for a number. A builder lacks a knob that could have one value only. `name` is what the network is
called: two networks of one builder in a larger functional model need different ones.
"""

from zoo.models.alexnet import alexnet, alexnet_2012, alexnet_small
from zoo.models.autoencoder import autoencoder, autoencoder_conv, autoencoder_denoising
from zoo.models.bert import bert_mini, bert_tiny, transformer_encoder
from zoo.models.convnext import convnext_tiny
from zoo.models.densenet import densenet_40_12, densenet_121
from zoo.models.efficientnet import efficientnet_b0
from zoo.models.encoder_decoder import encoder_decoder, encoder_decoder_attention, encoder_decoder_luong
from zoo.models.googlenet import googlenet, googlenet_auxiliary, googlenet_small
from zoo.models.gpt import baby_gpt, transformer_decoder
from zoo.models.inception import inception_small, inception_v3
from zoo.models.lenet import lenet, lenet_1998
from zoo.models.linear import linear
from zoo.models.mlp import mlp
from zoo.models.mobilenet import mobilenet_v1, mobilenet_v2, mobilenet_v2_small
from zoo.models.nin import nin, nin_cifar
from zoo.models.perceptron import perceptron, perceptron_1958, perceptron_hinge, perceptron_sigmoid
from zoo.models.recurrent import gru, lstm, simple_rnn
from zoo.models.resnet import resnet, resnet_18, resnet_34, resnet_50, resnet_101, resnet_152, resnet_plain_34
from zoo.models.resnet_cifar import (
    resnet_20,
    resnet_32,
    resnet_44,
    resnet_56,
    resnet_110,
    resnet_cifar,
    resnet_plain_20,
    resnet_plain_32,
    resnet_plain_44,
    resnet_plain_56,
    resnet_plain_110,
)
from zoo.models.resnet_fast import resnet_fast
from zoo.models.resnet_v2 import (
    resnet_v2,
    resnet_v2_20,
    resnet_v2_50,
    resnet_v2_56,
    resnet_v2_101,
    resnet_v2_110,
    resnet_v2_152,
    resnet_v2_cifar,
)
from zoo.models.transformer import transformer, transformer_base
from zoo.models.two_towers import two_towers, two_towers_numbers, two_towers_pictures
from zoo.models.unet import unet, unet_small
from zoo.models.vae import vae
from zoo.models.vgg import vgg, vgg_11, vgg_13, vgg_16, vgg_19, vgg_small
from zoo.models.vgg_transfer import vgg_transfer
from zoo.models.vit import vit_base, vit_tiny
from zoo.models.wide_resnet import wide_resnet_16_4
from zoo.models.yolo import yolo_small, yolo_v1
from zoo.models.zfnet import zfnet

__all__ = [
    "alexnet",
    "alexnet_2012",
    "alexnet_small",
    "autoencoder",
    "autoencoder_conv",
    "autoencoder_denoising",
    "baby_gpt",
    "bert_mini",
    "bert_tiny",
    "convnext_tiny",
    "densenet_40_12",
    "densenet_121",
    "efficientnet_b0",
    "encoder_decoder",
    "encoder_decoder_attention",
    "encoder_decoder_luong",
    "googlenet",
    "googlenet_auxiliary",
    "googlenet_small",
    "gru",
    "inception_small",
    "inception_v3",
    "lenet",
    "lenet_1998",
    "linear",
    "lstm",
    "mlp",
    "mobilenet_v1",
    "mobilenet_v2",
    "mobilenet_v2_small",
    "nin",
    "nin_cifar",
    "perceptron",
    "perceptron_1958",
    "perceptron_hinge",
    "perceptron_sigmoid",
    "resnet",
    "resnet_18",
    "resnet_20",
    "resnet_32",
    "resnet_34",
    "resnet_44",
    "resnet_50",
    "resnet_56",
    "resnet_101",
    "resnet_110",
    "resnet_152",
    "resnet_cifar",
    "resnet_fast",
    "resnet_plain_20",
    "resnet_plain_32",
    "resnet_plain_34",
    "resnet_plain_44",
    "resnet_plain_56",
    "resnet_plain_110",
    "resnet_v2",
    "resnet_v2_20",
    "resnet_v2_50",
    "resnet_v2_56",
    "resnet_v2_101",
    "resnet_v2_110",
    "resnet_v2_152",
    "resnet_v2_cifar",
    "simple_rnn",
    "transformer",
    "transformer_base",
    "transformer_decoder",
    "transformer_encoder",
    "two_towers",
    "two_towers_numbers",
    "two_towers_pictures",
    "unet",
    "unet_small",
    "vae",
    "vgg",
    "vgg_11",
    "vgg_13",
    "vgg_16",
    "vgg_19",
    "vgg_small",
    "vgg_transfer",
    "vit_base",
    "vit_tiny",
    "wide_resnet_16_4",
    "yolo_small",
    "yolo_v1",
    "zfnet",
]
