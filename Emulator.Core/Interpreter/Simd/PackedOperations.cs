using System.Runtime.Intrinsics;
using Emulator.Core.Semantics.Simd;

namespace Emulator.Core.Interpreter.Simd;

/// <summary>An operation on whole XMM registers, for handlers that are generic over it.</summary>
internal interface IXmmOperation
{
    /// <summary>The new destination from the old and the source.</summary>
    static abstract Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b);
}

/// <summary>An operation on MMX registers.</summary>
internal interface IMmxOperation
{
    /// <summary>The new destination from the old and the source.</summary>
    static abstract ulong Apply(ulong a, ulong b);
}

/// <summary>A shift of all lanes by one count.</summary>
internal interface IShiftOperation
{
    /// <summary>The shifted register; any count is valid.</summary>
    static abstract Vector128<byte> Apply(Vector128<byte> a, ulong count);
}

/// <summary>The MMX form of an operation that treats the low half of a register as it treats the high half.</summary>
internal readonly struct LowHalf<TOperation> : IMmxOperation
    where TOperation : struct, IXmmOperation
{
    public static ulong Apply(ulong a, ulong b) =>
        PackedInteger.ToMmx(TOperation.Apply(PackedInteger.FromMmx(a), PackedInteger.FromMmx(b)));
}

internal readonly struct Paddb : IXmmOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b) => PackedInteger.Paddb(a, b);
}

internal readonly struct Paddw : IXmmOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b) => PackedInteger.Paddw(a, b);
}

internal readonly struct Paddd : IXmmOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b) => PackedInteger.Paddd(a, b);
}

internal readonly struct Paddq : IXmmOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b) => PackedInteger.Paddq(a, b);
}

internal readonly struct Paddsb : IXmmOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b) => PackedInteger.Paddsb(a, b);
}

internal readonly struct Paddsw : IXmmOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b) => PackedInteger.Paddsw(a, b);
}

internal readonly struct Paddusb : IXmmOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b) => PackedInteger.Paddusb(a, b);
}

internal readonly struct Paddusw : IXmmOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b) => PackedInteger.Paddusw(a, b);
}

internal readonly struct Psubb : IXmmOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b) => PackedInteger.Psubb(a, b);
}

internal readonly struct Psubw : IXmmOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b) => PackedInteger.Psubw(a, b);
}

internal readonly struct Psubd : IXmmOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b) => PackedInteger.Psubd(a, b);
}

internal readonly struct Psubq : IXmmOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b) => PackedInteger.Psubq(a, b);
}

internal readonly struct Psubsb : IXmmOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b) => PackedInteger.Psubsb(a, b);
}

internal readonly struct Psubsw : IXmmOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b) => PackedInteger.Psubsw(a, b);
}

internal readonly struct Psubusb : IXmmOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b) => PackedInteger.Psubusb(a, b);
}

internal readonly struct Psubusw : IXmmOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b) => PackedInteger.Psubusw(a, b);
}

internal readonly struct Pmullw : IXmmOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b) => PackedInteger.Pmullw(a, b);
}

internal readonly struct Pmulhw : IXmmOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b) => PackedInteger.Pmulhw(a, b);
}

internal readonly struct Pmulhuw : IXmmOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b) => PackedInteger.Pmulhuw(a, b);
}

internal readonly struct Pmuludq : IXmmOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b) => PackedInteger.Pmuludq(a, b);
}

internal readonly struct Pmaddwd : IXmmOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b) => PackedInteger.Pmaddwd(a, b);
}

internal readonly struct Psadbw : IXmmOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b) => PackedInteger.Psadbw(a, b);
}

internal readonly struct Pavgb : IXmmOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b) => PackedInteger.Pavgb(a, b);
}

internal readonly struct Pavgw : IXmmOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b) => PackedInteger.Pavgw(a, b);
}

internal readonly struct Pminub : IXmmOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b) => PackedInteger.Pminub(a, b);
}

internal readonly struct Pmaxub : IXmmOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b) => PackedInteger.Pmaxub(a, b);
}

internal readonly struct Pminsw : IXmmOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b) => PackedInteger.Pminsw(a, b);
}

internal readonly struct Pmaxsw : IXmmOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b) => PackedInteger.Pmaxsw(a, b);
}

internal readonly struct Pcmpeqb : IXmmOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b) => PackedInteger.Pcmpeqb(a, b);
}

internal readonly struct Pcmpeqw : IXmmOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b) => PackedInteger.Pcmpeqw(a, b);
}

internal readonly struct Pcmpeqd : IXmmOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b) => PackedInteger.Pcmpeqd(a, b);
}

internal readonly struct Pcmpgtb : IXmmOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b) => PackedInteger.Pcmpgtb(a, b);
}

internal readonly struct Pcmpgtw : IXmmOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b) => PackedInteger.Pcmpgtw(a, b);
}

internal readonly struct Pcmpgtd : IXmmOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b) => PackedInteger.Pcmpgtd(a, b);
}

internal readonly struct Pand : IXmmOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b) => PackedInteger.Pand(a, b);
}

internal readonly struct Pandn : IXmmOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b) => PackedInteger.Pandn(a, b);
}

internal readonly struct Por : IXmmOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b) => PackedInteger.Por(a, b);
}

internal readonly struct Pxor : IXmmOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b) => PackedInteger.Pxor(a, b);
}

internal readonly struct Packsswb : IXmmOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b) => PackedShuffle.Packsswb(a, b);
}

internal readonly struct Packssdw : IXmmOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b) => PackedShuffle.Packssdw(a, b);
}

internal readonly struct Packuswb : IXmmOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b) => PackedShuffle.Packuswb(a, b);
}

internal readonly struct Punpcklbw : IXmmOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b) => PackedShuffle.Punpcklbw(a, b);
}

internal readonly struct Punpcklwd : IXmmOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b) => PackedShuffle.Punpcklwd(a, b);
}

internal readonly struct Punpckldq : IXmmOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b) => PackedShuffle.Punpckldq(a, b);
}

internal readonly struct Punpcklqdq : IXmmOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b) => PackedShuffle.Punpcklqdq(a, b);
}

internal readonly struct Punpckhbw : IXmmOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b) => PackedShuffle.Punpckhbw(a, b);
}

internal readonly struct Punpckhwd : IXmmOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b) => PackedShuffle.Punpckhwd(a, b);
}

internal readonly struct Punpckhdq : IXmmOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b) => PackedShuffle.Punpckhdq(a, b);
}

internal readonly struct Punpckhqdq : IXmmOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b) => PackedShuffle.Punpckhqdq(a, b);
}

internal readonly struct PacksswbMmx : IMmxOperation
{
    public static ulong Apply(ulong a, ulong b) => PackedShuffle.PacksswbMmx(a, b);
}

internal readonly struct PackssdwMmx : IMmxOperation
{
    public static ulong Apply(ulong a, ulong b) => PackedShuffle.PackssdwMmx(a, b);
}

internal readonly struct PackuswbMmx : IMmxOperation
{
    public static ulong Apply(ulong a, ulong b) => PackedShuffle.PackuswbMmx(a, b);
}

internal readonly struct PunpckhbwMmx : IMmxOperation
{
    public static ulong Apply(ulong a, ulong b) => PackedShuffle.PunpckhbwMmx(a, b);
}

internal readonly struct PunpckhwdMmx : IMmxOperation
{
    public static ulong Apply(ulong a, ulong b) => PackedShuffle.PunpckhwdMmx(a, b);
}

internal readonly struct PunpckhdqMmx : IMmxOperation
{
    public static ulong Apply(ulong a, ulong b) => PackedShuffle.PunpckhdqMmx(a, b);
}

internal readonly struct Psllw : IShiftOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, ulong count) => PackedShift.Psllw(a, count);
}

internal readonly struct Pslld : IShiftOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, ulong count) => PackedShift.Pslld(a, count);
}

internal readonly struct Psllq : IShiftOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, ulong count) => PackedShift.Psllq(a, count);
}

internal readonly struct Psrlw : IShiftOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, ulong count) => PackedShift.Psrlw(a, count);
}

internal readonly struct Psrld : IShiftOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, ulong count) => PackedShift.Psrld(a, count);
}

internal readonly struct Psrlq : IShiftOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, ulong count) => PackedShift.Psrlq(a, count);
}

internal readonly struct Psraw : IShiftOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, ulong count) => PackedShift.Psraw(a, count);
}

internal readonly struct Psrad : IShiftOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, ulong count) => PackedShift.Psrad(a, count);
}

internal readonly struct Pslldq : IShiftOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, ulong count) => PackedShift.Pslldq(a, count);
}

internal readonly struct Psrldq : IShiftOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, ulong count) => PackedShift.Psrldq(a, count);
}
