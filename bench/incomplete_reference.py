#!/usr/bin/env python3
"""Writes `tests/data/special/incomplete.csv`: logarithms of tails of the Gamma, Beta and Student's t
distribution with their first and second derivatives in the parameters.

By series at 420 digits, derivatives by central differences with steps of 1e-12 of the parameter, whose
error is some 1e-24. Needs mpmath. Run: `python3 bench/incomplete_reference.py > tests/data/special/incomplete.csv`.
"""
import itertools

import mpmath as mp

mp.mp.dps = 420

def gam(a,x,upper):
    p=mp.exp(a*mp.log(x)-x-mp.loggamma(a+1))*mp.hyp1f1(1,a+1,x)
    return 1-p if upper else p
def low(a,b,x):
    return mp.exp(a*mp.log(x)+b*mp.log(1-x)-(mp.loggamma(a)+mp.loggamma(b)-mp.loggamma(a+b)))/a*mp.hyp2f1(a+b,1,a+1,x)
def bet(a,b,x,upper):
    if x<mp.mpf(1)/2:
        p=low(a,b,x); return 1-p if upper else p
    q=low(b,a,1-x); return q if upper else 1-q
def stu(nu,t,upper):
    x=nu/(nu+t*t)
    h=bet(nu/2,mp.mpf(1)/2,x,False)/2
    return h if (upper==(t>0)) else 1-h
def D(f,args,orders):
    h=[abs(a)*mp.mpf(10)**-12 for a in args]
    def st(k,o):
        return {0:[(0,1)],1:[(1,mp.mpf(1)/(2*h[k])),(-1,-mp.mpf(1)/(2*h[k]))],2:[(1,1/h[k]**2),(0,-2/h[k]**2),(-1,1/h[k]**2)]}[o]
    s=mp.mpf(0)
    for combo in itertools.product(*[st(k,o) for k,o in enumerate(orders)]):
        aa=[args[k]+c[0]*h[k] for k,c in enumerate(combo)]
        w=mp.mpf(1)
        for c in combo: w*=c[1]
        s+=w*f(*aa)
    return s
def emit(name,fun,params,x,upper):
    ps=[mp.mpf(p) for p in params]; xx=mp.mpf(x)
    f=lambda *p: mp.log(fun(*p,xx,upper))
    cols=[]
    orders=[(0,),(1,),(2,)] if len(ps)==1 else [(0,0),(1,0),(0,1),(2,0),(1,1),(0,2)]
    v0=f(*ps)
    if not (-690<v0<mp.mpf(10)**-300*-1) : return
    vals=[D(f,ps,o) for o in orders]
    if len(ps)==1: vals=[vals[0],vals[1],0,vals[2],0,0]
    a=ps[0]; b=ps[1] if len(ps)>1 else 0
    print(",".join([name, str(int(upper)), repr(float(a)), repr(float(b)), repr(float(x))]+[mp.nstr(v,17) for v in vals]),flush=True)
print("function,upper,a,b,x,value,a_1,b_1,a_2,ab,b_2")
for a in [0.001,0.03,0.4,1.0,2.7,9.5,10.5,60.0,1000.0,10000.0]:
    for r in [1e-3,0.1,0.4,0.8,0.98,1.0,1.02,1.3,2.0,8.0]:
        for u in [False,True]:
            emit("gamma",gam,[a],a*r if a>0.5 else r*2,u)
for a,b in [(0.01,0.3),(0.5,0.5),(1.0,3.0),(2.5,0.2),(4.0,7.0),(15.0,12.0),(0.5,40.0),(300.0,20.0),(2000.0,5000.0)]:
    m=a/(a+b); sd=(m*(1-m)/(a+b+1))**.5
    for x in [1e-6*m, .2*m, .8*m, m, m+(1-m)*.1, m+(1-m)*.5, m+(1-m)*.95, m-sd, m+3*sd]:
        x=float(x)
        if not 0<x<1: continue
        for u in [False,True]:
            emit("beta",bet,[a,b],x,u)
for nu in [0.1,0.7,1.0,3.0,8.5,30.0,1000.0]:
    for t in [-40.0,-5.0,-1.0,-0.3,-1e-3,1e-9,0.01,0.5,1.5,3.0,12.0,1e4]:
        for u in [False,True]:
            emit("student",stu,[nu],t,u)
