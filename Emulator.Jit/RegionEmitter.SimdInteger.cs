using System.Reflection.Emit;
using System.Runtime.Intrinsics.X86;
using Emulator.Core.Cpu;
using Emulator.Core.Decoding;

namespace Emulator.Jit;

/// <content>Moves, packed integers, logic, shuffles and shifts of XMM registers.</content>
internal sealed unsafe partial class RegionEmitter
{
    /// <summary>destination = host(destination, source), and shifts by a register.</summary>
    private static bool LowerPacked(RegionEmitter e, in Op op, SimdRow row)
    {
        e.EmitNeeds(row.Needs);
        bool memory = HasMemory(in op);
        if (!memory && op.R0 == op.R1 && row.Name is "Pxor" or "Xorps" or "Xorpd")
        {
            e._il.Emit(OpCodes.Call, VectorMethods.Zero);
            e.EmitSetXmm(op.R0);
            e._ordered[op.R0] = SimdLanes.All;
            return true;
        }

        LocalBuilder b = e.EmitSource(in op, row);
        SimdLanes known = memory ? SimdLanes.None : row.Name switch
        {
            "Unpcklpd" or "Movlhps" or "Punpcklqdq" => LowDouble(e._ordered[op.R0]) | HighFromLow(e._ordered[op.R1]),
            "Unpckhpd" or "Punpckhqdq" => LowFromHigh(e._ordered[op.R0]) | HighDouble(e._ordered[op.R1]),
            _ => SimdLanes.None,
        };
        e.EmitHost(row.Host!, e._xmm[op.R0]!, b);
        e.EmitSetXmm(op.R0);
        e._ordered[op.R0] = known;
        return true;
    }

    private static SimdLanes LowDouble(SimdLanes lanes) => lanes & (SimdLanes.Double | SimdLanes.SinglePair);

    private static SimdLanes HighDouble(SimdLanes lanes) => lanes & (SimdLanes.HighDouble | SimdLanes.HighSingles);

    private static SimdLanes HighFromLow(SimdLanes lanes) =>
        ((lanes & SimdLanes.Double) != 0 ? SimdLanes.HighDouble : 0) | ((lanes & SimdLanes.SinglePair) == SimdLanes.SinglePair ? SimdLanes.HighSingles : 0);

    private static SimdLanes LowFromHigh(SimdLanes lanes) =>
        ((lanes & SimdLanes.HighDouble) != 0 ? SimdLanes.Double : 0) | ((lanes & SimdLanes.HighSingles) == SimdLanes.HighSingles ? SimdLanes.SinglePair : 0);

    private static bool LowerShiftImmediate(RegionEmitter e, in Op op, SimdRow row)
    {
        e.EmitNeeds(row.Needs);
        e.EmitHost(row.Host!, e._xmm[op.R0]!, immediate: (byte)op.Imm);
        e.EmitSetXmm(op.R0);
        return true;
    }

    private static bool LowerShuffle(RegionEmitter e, in Op op, SimdRow row)
    {
        e.EmitNeeds(row.Needs);
        LocalBuilder b = e.EmitSource(in op, row);
        LocalBuilder a = e._xmm[op.R0]!;
        e.EmitHost(row.Host!, row.IsUnary ? b : a, b, (byte)op.Imm);
        SimdLanes first = e._ordered[op.R0];
        SimdLanes second = HasMemory(in op) ? SimdLanes.None : e._ordered[op.R1];
        e.EmitSetXmm(op.R0);
        if (row.Host!.GetParameters()[0].ParameterType == VectorMethods.Of(typeof(double)))
        {
            e._ordered[op.R0] = ((op.Imm & 1) == 0 ? LowDouble(first) : LowFromHigh(first))
                | ((op.Imm & 2) == 0 ? HighFromLow(second) : HighDouble(second));
        }
        else if ((first & SimdLanes.Singles) == SimdLanes.Singles && (second & SimdLanes.Singles) == SimdLanes.Singles && !row.IsUnary)
        {
            e._ordered[op.R0] = SimdLanes.Singles;
        }

        return true;
    }

    // ---- moves ----

    private static bool LowerMoveWhole(RegionEmitter e, in Op op, SimdRow row)
    {
        e.EmitNeeds(row.Needs);
        if (!HasMemory(in op))
        {
            e._il.Emit(OpCodes.Ldloc, e._xmm[op.R1]!);
            e._il.Emit(OpCodes.Stloc, e._xmm[op.R0]!);
            e._ordered[op.R0] = e._ordered[op.R1];
        }
        else if (row.IsStore)
        {
            e.EmitSimdAddress(in op, 16, row.IsAligned, write: true);
            e._il.Emit(OpCodes.Ldloc, e._xmm[op.R1]!);
            e._il.Emit(OpCodes.Stobj, VectorMethods.Vector);
        }
        else
        {
            e.EmitLoadVector(in op, 16, row.IsAligned);
            e.EmitSetXmm(op.R0);
        }

        return true;
    }

    /// <summary>MOVSS, MOVSD, MOVQ, stores of MOVLPx: the low lane.</summary>
    private static bool LowerMoveLow(RegionEmitter e, in Op op, SimdRow row)
    {
        e.EmitNeeds(row.Needs);
        Type element = row.Size == 8 ? typeof(double) : typeof(float);
        SimdLanes moved = row.Size == 8 ? SimdLanes.Double | SimdLanes.SinglePair : SimdLanes.Single;
        if (!HasMemory(in op))
        {
            Type vector = VectorMethods.Of(element);
            SimdLanes upper = e._ordered[op.R0] & RestOf(row.Size == 8 ? SimdLanes.Double : SimdLanes.Single);
            if (row.Name == "Zero")
            {
                e.EmitHost(VectorMethods.X86(typeof(Sse2), nameof(Sse2.MoveScalar), VectorMethods.Of(typeof(ulong))), e._xmm[op.R1]!);
                upper = SimdLanes.HighDouble | SimdLanes.HighSingles;
            }
            else
            {
                e.EmitHost(VectorMethods.X86(row.Size == 8 ? typeof(Sse2) : typeof(Sse), nameof(Sse2.MoveScalar), vector, vector), e._xmm[op.R0]!, e._xmm[op.R1]!);
            }

            e._il.Emit(OpCodes.Stloc, e._xmm[op.R0]!);
            e._ordered[op.R0] = upper | (e._ordered[op.R1] & moved);
        }
        else if (row.IsStore)
        {
            e.EmitSimdAddress(in op, row.Size, aligned: false, write: true);
            e.EmitVector(e._xmm[op.R1]!, element);
            e._il.Emit(OpCodes.Call, VectorMethods.ToScalar(element));
            e._il.Emit(row.Size == 8 ? OpCodes.Stind_R8 : OpCodes.Stind_R4);
        }
        else
        {
            e.EmitLoadVector(in op, row.Size, aligned: false);
            e.EmitSetXmm(op.R0);
            e._ordered[op.R0] = RestOf(row.Size == 8 ? SimdLanes.Double : SimdLanes.Single);
        }

        return true;
    }

    private static bool LowerMovd(RegionEmitter e, in Op op, SimdRow row)
    {
        e.EmitNeeds(row.Needs);
        bool memory = HasMemory(in op);
        if (row.IsStore)
        {
            if (memory)
            {
                e.EmitSimdAddress(in op, 4, aligned: false, write: true);
            }

            e.EmitVector(e._xmm[op.R1]!, typeof(uint));
            e._il.Emit(OpCodes.Call, VectorMethods.ToScalar(typeof(uint)));
            if (memory)
            {
                e._il.Emit(OpCodes.Stind_I4);
            }
            else
            {
                e.EmitWrite(op.R0, 4);
            }

            return true;
        }

        if (memory)
        {
            e.EmitLoadVector(in op, 4, aligned: false);
        }
        else
        {
            e.EmitRead(op.R1, 4);
            e._il.Emit(OpCodes.Call, VectorMethods.CreateScalar(typeof(uint)));
            e.EmitAs(typeof(uint), typeof(byte));
        }

        e.EmitSetXmm(op.R0);
        e._ordered[op.R0] = RestOf(SimdLanes.Single);
        return true;
    }

    /// <summary>MOVLPx and MOVHPx from memory.</summary>
    private static bool LowerLoadHalf(RegionEmitter e, in Op op, SimdRow row)
    {
        e.EmitNeeds(row.Needs);
        LocalBuilder b = e.EmitSource(in op, row);
        Type doubles = VectorMethods.Of(typeof(double));
        SimdLanes before = e._ordered[op.R0];
        bool low = row.Name == "Low";
        e.EmitHost(VectorMethods.X86(typeof(Sse2), low ? nameof(Sse2.MoveScalar) : nameof(Sse2.UnpackLow), doubles, doubles), e._xmm[op.R0]!, b);
        e.EmitSetXmm(op.R0);
        e._ordered[op.R0] = low ? HighDouble(before) : LowDouble(before);
        return true;
    }

    /// <summary>MOVHPx to memory.</summary>
    private static bool LowerStoreHigh(RegionEmitter e, in Op op, SimdRow row)
    {
        e.EmitNeeds(row.Needs);
        e.EmitSimdAddress(in op, 8, aligned: false, write: true);
        e.EmitVector(e._xmm[op.R1]!, typeof(double));
        e._il.Emit(OpCodes.Ldc_I4_1);
        e._il.Emit(OpCodes.Call, VectorMethods.GetElement(typeof(double)));
        e._il.Emit(OpCodes.Stind_R8);
        return true;
    }

    /// <summary>MOVHLPS: the low half from the source's high half.</summary>
    private static bool LowerMovhlps(RegionEmitter e, in Op op, SimdRow row)
    {
        e.EmitNeeds(row.Needs);
        SimdLanes known = HighDouble(e._ordered[op.R0]) | LowFromHigh(e._ordered[op.R1]);
        e.EmitHost(row.Host!, e._xmm[op.R1]!, e._xmm[op.R0]!);
        e.EmitSetXmm(op.R0);
        e._ordered[op.R0] = known;
        return true;
    }

    private static bool LowerMask(RegionEmitter e, in Op op, SimdRow row)
    {
        e.EmitNeeds(row.Needs);
        e.EmitVector(e._xmm[op.R1]!, row.Host!.GetParameters()[0].ParameterType.GetGenericArguments()[0]);
        e._il.Emit(OpCodes.Call, row.Host!);
        e.EmitWrite(op.R0, 4);
        return true;
    }

    private static bool LowerExtract(RegionEmitter e, in Op op, SimdRow row)
    {
        e.EmitNeeds(row.Needs);
        e.EmitVector(e._xmm[op.R1]!, typeof(ushort));
        e._il.Emit(OpCodes.Ldc_I4, (int)op.Imm & 7);
        e._il.Emit(OpCodes.Call, row.Host!);
        e.EmitWrite(op.R0, 4);
        return true;
    }

    private static bool LowerInsert(RegionEmitter e, in Op op, SimdRow row)
    {
        e.EmitNeeds(row.Needs);
        if (HasMemory(in op))
        {
            e.EmitLoad(in op, 2);
        }
        else
        {
            e.EmitRead(op.R1, 2);
        }

        e._il.Emit(OpCodes.Stloc, e._t);
        e.EmitVector(e._xmm[op.R0]!, typeof(ushort));
        e._il.Emit(OpCodes.Ldloc, e._t);
        e._il.Emit(OpCodes.Ldc_I4, (int)op.Imm & 7);
        e._il.Emit(OpCodes.Call, row.Host!);
        e.EmitAs(typeof(ushort), typeof(byte));
        e.EmitSetXmm(op.R0);
        return true;
    }

    // ---- others ----

    private static bool LowerMovnti(RegionEmitter e, in Op op, SimdRow row)
    {
        e.EmitEffectiveAddress(in op);
        e.EmitHostAddress(4, write: true);
        e.EmitRead(op.R1, 4);
        e._il.Emit(OpCodes.Stind_I4);
        return true;
    }

    private static bool LowerStmxcsr(RegionEmitter e, in Op op, SimdRow row)
    {
        e.EmitNeeds(row.Needs);
        e.EmitEffectiveAddress(in op);
        e.EmitHostAddress(4, write: true);
        e.EmitState(StateLayout.Mxcsr);
        e._il.Emit(OpCodes.Ldind_U4);
        e._il.Emit(OpCodes.Stind_I4);
        return true;
    }

    /// <summary>Hints and fences.</summary>
    private static bool LowerNothing(RegionEmitter e, in Op op, SimdRow row) => true;
}
